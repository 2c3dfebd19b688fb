import { afterEach, expect, test, vi } from 'vitest';
import { installed } from '../../spec/catalog.ts';
import { experimentFrom } from '../../spec/parse.ts';
import { planExperiment } from '../../spec/plan.ts';
import { runMemory } from '../run-memory.ts';
import type { Calibration } from './calibration.ts';
import { forecast } from './forecast.ts';

const [TRAIN, TEST] = [8000, 2000];
const plan = planExperiment(
  experimentFrom({
    ...{ name: 't', dataset: 'mnist10k', model: 'alexnet-mini', freeze: 'paper', training: { epochs: 10 } },
    attack: { type: 'badnets', size: [0.1, 0.2], color: 'white', poisonRate: 0.01 },
  }),
);
const calibration = (multiplyAdds: { features: number; step: number; evaluation: number }): Calibration => ({
  ...{ schemaVersion: 1, machine: { name: 'm', cpu: 'c', cores: 2 }, triggerlab: '1', engine: '1' },
  measuredAt: '2026-01-01T00:00:00.000Z',
  measurements: [
    {
      ...{ model: 'alexnet-mini', freeze: 'paper', inputSize: 32, batch: 128, threads: 1 },
      features: { seconds: 1e-3, multiplyAdds: multiplyAdds.features },
      step: { seconds: 1e-4, multiplyAdds: multiplyAdds.step },
      evaluation: { seconds: 5e-5, multiplyAdds: multiplyAdds.evaluation },
    },
  ],
});
const exact = { features: 4_792_320, step: 466_432, evaluation: 199_168 };

afterEach(() => vi.unstubAllEnvs());

test('time is that of each kind of work; sharing saves what each run would do again', async () => {
  const { time, features } = await forecast(plan, installed, { workers: 2, threads: 1 }, calibration(exact));
  const images = TRAIN + TEST + 2 * (TEST + 80);
  expect(features).toMatchObject({ sets: 1, images });
  expect(time?.features).toBeCloseTo(1e-3 * images, 6);
  expect(time?.training).toBeCloseTo(3 * 10 * TRAIN * 1e-4, 6);
  expect(time?.evaluation).toBeCloseTo((1 + 2 * 3) * TEST * 5e-5, 6);
  expect(time?.wall).toBeCloseTo((time?.work ?? 0) / 2, 6);
  expect(time?.measured).toBe(true);
  expect(time?.saved.features).toBeCloseTo(1e-3 * (TRAIN + TEST + 2 * (TRAIN + 2 * TEST) - images), 6);
  // One twin serves two runs.
  expect(time?.saved.twins).toBeCloseTo(10 * TRAIN * 1e-4 + TEST * 5e-5, 6);
});

test('without a feature store every epoch computes everything, and no disk is taken', async () => {
  vi.stubEnv('TRIGGERLAB_FEATURES', 'off');
  const { time, disk } = await forecast(plan, installed, { workers: 1, threads: 1 }, calibration(exact));
  expect(time?.features).toBe(0);
  expect(time?.training).toBeCloseTo(3 * 10 * TRAIN * 1.1e-3, 6);
  expect(time?.evaluation).toBeCloseTo((1 + 2 * 3) * TEST * 1.05e-3, 6);
  expect(disk.features).toBe(0);
});

test('without a calibration memory and disk are told all the same', async () => {
  const { time, memory, disk } = await forecast(plan, installed, { workers: 1, threads: 1 }, undefined);
  expect(time).toBeUndefined();
  const [{ spec }] = plan.runs;
  expect(memory).toEqual({ largestRun: await runMemory(spec), model: 'alexnet-mini', inputSize: 32, batchSize: 128 });
  expect(disk.features).toBe((TRAIN + TEST + 2 * (TEST + 80)) * (4 * 512 + 20));
  expect(disk.weights).toBe(4 * 199_690);
});
