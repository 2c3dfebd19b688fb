import { existsSync } from 'node:fs';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../../core/rng.ts';
import { encodeSafetensors } from '../../models/weights/safetensors.ts';
import { Runtime } from '../../runtime/node.ts';
import { Codec } from '../../triggers/ssba/codec.ts';
import { ssbaSchedules } from '../../triggers/ssba/schedules.ts';
import { randomBits } from '../../triggers/ssba/secrets.ts';
import { tinyImages, tinySettings } from './tiny.fixture.ts';
import { type SsbaCheck, type SsbaTraining, trainSsba } from './training.ts';

const images = tinyImages(40);
const runtime = new Runtime({ threads: 1 });
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'triggerlab-ssba-'));
});
afterAll(async () => {
  await runtime.close();
  await rm(directory, { recursive: true });
});

/** Trains until this step and is then interrupted. */
async function interrupted(checkpoint: string, after: number, settings = tinySettings()): Promise<unknown> {
  const controller = new AbortController();
  return trainSsba(runtime, images, settings, {
    checkpoint,
    signal: controller.signal,
    onStep: (_, step) => step === after && controller.abort(),
  });
}

const bits = (training: SsbaTraining | undefined) =>
  Buffer.from(encodeSafetensors(training?.parameters ?? {})).toString('base64');

describe('trainSsba', () => {
  it('gives the same bits for the same seed, others for another', async () => {
    const once = await trainSsba(runtime, images, tinySettings());
    expect(once?.steps).toBe(6);
    expect(bits(await trainSsba(runtime, images, tinySettings()))).toBe(bits(once));
    expect(bits(await trainSsba(runtime, images, tinySettings({ seed: 1 })))).not.toBe(bits(once));
  });

  it('continues after an interruption to the same bits, and leaves no checkpoint', async () => {
    const checkpoint = join(directory, 'continued');
    expect(await interrupted(checkpoint, 3)).toBeUndefined();
    expect(existsSync(checkpoint)).toBe(true);
    const steps: number[] = [];
    const onStep = (_: number, step: number) => steps.push(step);
    const continued = await trainSsba(runtime, images, tinySettings(), { checkpoint, onStep });
    expect(steps).toEqual([4, 5, 6]);
    expect(bits(continued)).toBe(bits(await trainSsba(runtime, images, tinySettings())));
    expect(existsSync(checkpoint)).toBe(false);
  });

  it.each([
    ['cut off', (path: string) => truncate(path, 1000)],
    ['of other settings', (path: string) => interrupted(path, 2, tinySettings({ seed: 5 }))],
    ['no checkpoint at all', (path: string) => writeFile(path, 'hello')],
    [
      'a safetensors file of something else',
      (path: string) => writeFile(path, encodeSafetensors({}, { key: 'x', state: '{"step":1e9}' })),
    ],
  ])('begins again when the checkpoint is %s', async (_, spoil) => {
    const checkpoint = join(directory, 'spoilt');
    await interrupted(checkpoint, 3);
    await spoil(checkpoint);
    const steps: number[] = [];
    await trainSsba(runtime, images, tinySettings(), { checkpoint, onStep: (_share, step) => steps.push(step) });
    expect(steps[0]).toBe(1);
  });

  it('learns to hide and read, and ends when that is good enough', async () => {
    const schedule = {
      ...ssbaSchedules.get('fast'),
      ...{ batchSize: 16, steps: 800, learningRate: 3e-3, imageWeight: 5 },
      ramp: { accuracy: 0.9, wait: 0, steps: 30 },
      enough: { bitAccuracy: 0.95, psnr: 15 },
    };
    const checks: SsbaCheck[] = [];
    const shares: number[] = [];
    const size = { ...tinySettings().size, width: 8, decoderWidth: 8 };
    const training = await trainSsba(runtime, images, tinySettings({ schedule, size }), {
      onCheck: (check) => checks.push(check),
      onStep: (share) => shares.push(share),
    });
    expect(training?.enough).toBe(true);
    expect(training?.steps).toBeLessThan(800);
    for (const { bitAccuracy, psnr, imageWeight } of checks.slice(-2)) {
      expect(bitAccuracy).toBeGreaterThanOrEqual(0.95);
      expect(psnr).toBeGreaterThanOrEqual(15);
      expect(imageWeight).toBe(5);
    }
    expect(shares.every((share) => share >= 0 && share <= 1)).toBe(true);
  }, 300_000);

  it.each([64, 128])('takes a step at %i px, and what it made hides and reads', async (side) => {
    const source = tinyImages(6, side);
    const size = { image: { height: side, width: side, channels: 3 }, bits: 20, width: 4, decoderWidth: 32 } as const;
    const schedule = { ...ssbaSchedules.get('stegastamp'), steps: 1, batchSize: 2 };
    const training = await trainSsba(runtime, source, tinySettings({ size, schedule }));
    expect(training?.steps).toBe(1);
    const codec = new Codec(runtime, size, training?.parameters ?? {});
    const before = source.read([0, 1]);
    const after = await codec.hide(before, randomBits(40, Rng.of(0, 'secrets')));
    expect(after).toHaveLength(before.length);
    expect(after).not.toEqual(before);
    expect(await codec.read(after)).toHaveLength(40);
    expect(training?.check.psnr).toBeLessThan(60);
  });

  it('says so when the loss stops being a number', async () => {
    const schedule = { ...tinySettings().schedule, learningRate: 1e20, steps: 50 };
    await expect(trainSsba(runtime, images, tinySettings({ schedule }))).rejects.toThrow(/diverged/);
  });
});
