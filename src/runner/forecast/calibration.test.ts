import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  type Calibration,
  calibrationPath,
  keepMeasurements,
  type Measurement,
  readCalibration,
  secondsPerImage,
} from './calibration.ts';

const alexnet: Measurement = {
  ...{ model: 'alexnet-mini', freeze: 'paper', inputSize: 32, batch: 128, threads: 1 },
  features: { seconds: 3e-4, multiplyAdds: 5e6 },
  step: { seconds: 7e-5, multiplyAdds: 4e5 },
  evaluation: { seconds: 3e-5, multiplyAdds: 2e5 },
};
const { features: _, ...rest } = alexnet;
const resnet: Measurement = {
  ...rest,
  model: 'resnet-mini',
  step: { seconds: 5e-4, multiplyAdds: 8e6 },
  evaluation: { seconds: 2e-4, multiplyAdds: 4e6 },
};

let cache = '';
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'calibration-test-'));
  vi.stubEnv('TRIGGERLAB_CACHE', cache);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(cache, { recursive: true });
});

test('measurements of this machine are kept, new ones in place of old ones of the same network and engine', async () => {
  expect(readCalibration()).toBeUndefined();
  await keepMeasurements([alexnet, resnet], '1');
  const again = { ...resnet, step: { seconds: 6e-4, multiplyAdds: 8e6 } };
  await keepMeasurements([again], '1');
  expect(readCalibration()?.measurements).toEqual([alexnet, again]);
  await keepMeasurements([resnet], '2');
  expect(readCalibration()).toMatchObject({ engine: '2', measurements: [resnet] });
});

test.each([
  ['another processor', (file: Calibration) => ({ ...file, machine: { ...file.machine, cpu: 'abacus' } })],
  ['another number of cores', (file: Calibration) => ({ ...file, machine: { ...file.machine, cores: 4096 } })],
  ['another version of the program', (file: Calibration) => ({ ...file, triggerlab: '0.0.0-other' })],
  [
    'a damaged file',
    (file: Calibration) => ({ ...file, measurements: [{ ...alexnet, step: { seconds: -1, multiplyAdds: 1 } }] }),
  ],
])('a calibration is not used for %s', async (_name, change) => {
  await keepMeasurements([alexnet], '1');
  const file = JSON.parse(readFileSync(calibrationPath(), 'utf8')) as Calibration;
  writeFileSync(calibrationPath(), JSON.stringify(change(file)));
  expect(readCalibration()).toBeUndefined();
});

test('a network that was measured has its own time; others that of the most alike, by multiply-adds', async () => {
  await keepMeasurements([alexnet, resnet], '1');
  const known = readCalibration() as Calibration;
  const of = (model: string, freeze = 'paper') => ({ model, freeze, inputSize: 32, batch: 128, threads: 1 });
  expect(secondsPerImage(known, 'step', of('resnet-mini'), 8e6)).toEqual({ seconds: 5e-4, measured: true });
  expect(secondsPerImage(known, 'features', of('alexnet-mini'), 5e6)).toEqual({ seconds: 3e-4, measured: true });
  const { seconds, measured } = secondsPerImage(known, 'step', of('vgg-mini'), 16e6);
  expect(measured).toBe(false);
  expect(seconds).toBeCloseTo(1e-3, 12);
  // Nothing goes faster than the fastest that was measured.
  expect(secondsPerImage(known, 'step', of('resnet-mini', 'head'), 10)).toEqual({ seconds: 7e-5, measured: false });
});

test('features where none were measured go as fast as whole networks are evaluated', async () => {
  await keepMeasurements([resnet], '1');
  const network = { model: 'resnet-mini', freeze: 'head', inputSize: 32, batch: 128, threads: 1 };
  const { seconds, measured } = secondsPerImage(readCalibration() as Calibration, 'features', network, 8e6);
  expect([seconds, measured]).toEqual([4e-4, false]);
});
