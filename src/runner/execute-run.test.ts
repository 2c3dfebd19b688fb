// One run from spec to metrics, on a dataset made here in place of the registry's.
import { afterAll, describe, expect, it, vi } from 'vitest';
import { sha256Hex } from '../core/hash.ts';
import { Rng } from '../core/rng.ts';
import type { Dataset } from '../data/dataset.ts';
import { memorySource } from '../data/dataset.ts';
import { decodeSafetensors } from '../models/weights/safetensors.ts';
import { Runtime } from '../runtime/node.ts';
import type { RunSpec } from '../spec/run-spec.ts';
import { type ExecutedRun, executeRun, type Twin } from './execute-run.ts';

vi.mock('../data/registry.ts', async () => {
  const { registry } = await import('../core/registry.ts');
  return { datasets: registry('dataset', [{ name: 'tiny', load: async () => tiny() }]) };
});

const CLASSES = ['none', 'low', 'high'];

/** Grey 8 × 8 pictures: dark, or with a bright lower or upper half. */
function tiny(): Dataset {
  const split = (count: number, rng: Rng) => {
    const labels = Uint16Array.from({ length: count }, (_, row) => row % 3);
    const pixels = Uint8Array.from({ length: count * 64 }, (_, i) => {
      const [label, upper] = [Math.floor(i / 64) % 3, i % 64 < 32];
      return (label === (upper ? 2 : 1) ? 150 : 20) + rng.int(0, 40);
    });
    return memorySource({ height: 8, width: 8, channels: 1 }, pixels, labels);
  };
  return { name: 'tiny', classes: CLASSES, train: split(120, Rng.of(0, 'train')), test: split(60, Rng.of(0, 'test')) };
}

const clean: RunSpec = {
  dataset: 'tiny',
  model: 'resnet-mini',
  init: 'random',
  freeze: 'none',
  inputSize: 32,
  attack: { type: 'none' },
  poisonRate: 0,
  targetClass: 0,
  training: { optimizer: 'adam', learningRate: 0.003, momentum: 0, weightDecay: 0, epochs: 5, batchSize: 20 },
  seed: 1,
};
const attack = (parameters: object): RunSpec['attack'] => ({
  type: 'badnets',
  size: 0.25,
  color: 'white',
  ...parameters,
});
const poisoned: RunSpec = { ...clean, attack: attack({}), poisonRate: 0.3, targetClass: 1 };

const runtime = new Runtime({ threads: 1 });
afterAll(() => runtime.close());
let twin: Promise<ExecutedRun> | undefined;
async function cleanTwin(): Promise<Twin> {
  twin ??= executeRun(runtime, clean, undefined);
  const { metrics, trained } = await twin;
  return { cleanAccuracy: metrics.cleanAccuracy, trained };
}

/** Metrics without the times. */
function result({ metrics: { seconds, imagesPerSecond, ...rest } }: ExecutedRun) {
  expect(seconds).toBeGreaterThan(0);
  expect(imagesPerSecond).toBeGreaterThan(0);
  return rest;
}

describe('executeRun', () => {
  it('a clean run: accuracy, no figures of an attack, and what was trained', async () => {
    const shares: number[] = [];
    const run = await executeRun(runtime, clean, undefined, { onProgress: (share) => shares.push(share) });
    expect(result(run)).toEqual({
      cleanAccuracy: expect.any(Number),
      asr: null,
      asrInclusive: null,
      falseTriggerRate: null,
      cleanBaselineAccuracy: null,
      cad: null,
      naturalAsr: null,
      effectivePixels: null,
      testImages: 60,
      attackedImages: null,
      epochs: 5,
      epochLosses: expect.any(Array),
    });
    expect(run.metrics.cleanAccuracy).toBeGreaterThan(0.9);
    expect(run.metrics.epochLosses).toHaveLength(5);
    expect(shares.at(-1)).toBe(1);
    expect(shares.every((share, i) => share > 0 && share >= (shares[i - 1] ?? 0))).toBe(true);
    const { tensors } = decodeSafetensors(run.trained, 'trained');
    expect(Object.keys(tensors)).toHaveLength(38 + 24);
    expect(tensors['fc.weight'].shape).toEqual([3, 128]);
  });

  it('a poisoned run: the attack works, and is compared with the clean twin', async () => {
    const given = await cleanTwin();
    const { metrics } = await executeRun(runtime, poisoned, given);
    expect(metrics.cleanAccuracy).toBeGreaterThan(0.8);
    expect(metrics.asr).toBeGreaterThan(0.8);
    expect(metrics.asrInclusive).toBeGreaterThanOrEqual(metrics.asr ?? 1);
    expect(metrics.naturalAsr).toBeLessThan(0.5);
    expect(metrics.cleanBaselineAccuracy).toBe(given.cleanAccuracy);
    expect(metrics.cad).toBe(given.cleanAccuracy - metrics.cleanAccuracy);
    expect(metrics.attackedImages).toBe(40);
    // A 2 × 2 corner of 8 × 8 pixels becomes 8 × 8 of 32 × 32, and 2 more each way by interpolation.
    expect(metrics.effectivePixels).toBeGreaterThan(64);
    expect(metrics.effectivePixels).toBeLessThanOrEqual(100);
    expect(metrics).toMatchObject({ stealthImages: 60, stealthSsim: null });
    // The patch is white on the lower right 2 × 2 of each picture, whose levels are known.
    const { test } = tiny();
    const changes = Array.from({ length: test.count }, (_, row) => {
      const pixels = test.read([row]);
      return [54, 55, 62, 63].map((at) => 255 - pixels[at]);
    });
    const meanOf = (of: (changed: number[]) => number) =>
      changes.reduce((sum, own) => sum + of(own), 0) / changes.length;
    const square = (own: number[]) => own.reduce((sum, change) => sum + change ** 2, 0);
    expect(metrics.stealthLinf).toBeCloseTo(
      meanOf((own) => Math.max(...own)),
      9,
    );
    expect(metrics.stealthL2).toBeCloseTo(
      meanOf((own) => Math.sqrt(square(own))),
      9,
    );
    expect(metrics.stealthPsnr).toBeCloseTo(
      meanOf((own) => 10 * Math.log10((255 ** 2 * 64) / square(own))),
      9,
    );
    expect(metrics.stealthPerceptual).toBeGreaterThan(0);
  });

  it('the same bits again, in another runtime', async () => {
    const spec = { ...poisoned, attack: attack({ position: 'random' }), training: { ...clean.training, epochs: 1 } };
    const first = await executeRun(runtime, spec, await cleanTwin());
    const other = new Runtime({ threads: 1 });
    const again = await executeRun(other, spec, await cleanTwin());
    await other.close();
    expect(result(again)).toEqual(result(first));
    expect(sha256Hex(again.trained)).toBe(sha256Hex(first.trained));
    const seeded = await executeRun(runtime, { ...spec, seed: 2 }, undefined);
    expect(sha256Hex(seeded.trained)).not.toBe(sha256Hex(first.trained));
    expect(seeded.metrics).toMatchObject({ cad: null, naturalAsr: null, cleanBaselineAccuracy: null });
    expect(seeded.metrics.asr).not.toBeNull();
  });

  it('a patch at input size, under a freeze policy', async () => {
    const freeze = 'paper';
    const training = { ...clean.training, optimizer: 'sgd', momentum: 0.9, epochs: 1 } as const;
    const base = await executeRun(runtime, { ...clean, freeze, training }, undefined);
    const spec = { ...poisoned, freeze, training, attack: attack({ stampAt: 'input' }) };
    const twinOf = { cleanAccuracy: base.metrics.cleanAccuracy, trained: base.trained };
    const { metrics, trained } = await executeRun(runtime, spec, twinOf);
    // White where no pixel of the picture is: all 8 × 8 of them.
    expect(metrics.effectivePixels).toBe(64);
    expect(metrics.naturalAsr).not.toBeNull();
    expect(Object.keys(decodeSafetensors(trained, 'trained').tensors)).not.toContain('conv1.weight');
  });

  it('poisons with the rows of its seed: nothing poisoned is the clean run', async () => {
    const { trained } = await executeRun(runtime, { ...poisoned, poisonRate: 0 }, undefined);
    expect(sha256Hex(trained)).toBe(sha256Hex((await cleanTwin()).trained));
  });

  it('label rules decide what is poisoned and what counts', async () => {
    const given = await cleanTwin();
    const run = async (changes: Partial<RunSpec>) =>
      (await executeRun(runtime, { ...poisoned, ...changes }, given)).metrics;
    const each = await run({ labels: 'all-to-all' });
    expect(each).toMatchObject({ attackedImages: 60, asrInclusive: each.asr, falseTriggerRate: null });
    expect(each.asr).toBeGreaterThan(0.8);
    const sourced = await run({ labels: 'source-specific', sources: [0], coverRate: 0.2 });
    expect(sourced.attackedImages).toBe(20);
    expect(sourced.asr).toBeGreaterThan(0.8);
    expect(sourced.falseTriggerRate).toBeLessThan(0.5);
    const twoClasses = await run({ labels: 'clean-label', training: { ...clean.training, epochs: 1 } });
    expect(twoClasses.attackedImages).toBe(40);
    await expect(run({ labels: 'clean-label', poisonRate: 0.4 })).rejects.toMatchObject({
      kind: 'input',
      message: 'poisonRate 0.4 asks for 48 of the 120 training images, but only 40 are of the class 1',
    });
  });

  it('rows drawn for every batch: the attack works, the same bits again, other bits than a set made once', async () => {
    const spec: RunSpec = { ...poisoned, poisonSet: 'per-batch' };
    const first = await executeRun(runtime, spec, undefined);
    expect(first.metrics.asr).toBeGreaterThan(0.8);
    const again = await executeRun(runtime, spec, undefined);
    expect(sha256Hex(again.trained)).toBe(sha256Hex(first.trained));
    const fixed = await executeRun(runtime, poisoned, undefined);
    expect(sha256Hex(fixed.trained)).not.toBe(sha256Hex(first.trained));
  });

  it.each(['native', 'input'])('WaNet on %s pixels, with noise images', async (stampAt) => {
    const attack = { type: 'wanet', stampAt, s: 2 };
    const training = { ...clean.training, epochs: 1 };
    for (const poisonSet of ['fixed', 'per-batch'] as const) {
      const { metrics } = await executeRun(runtime, { ...poisoned, attack, training, poisonSet }, await cleanTwin());
      expect(metrics.effectivePixels).toBeGreaterThan(100);
      expect(metrics.naturalAsr).not.toBeNull();
    }
  });

  it.each([
    [{ dataset: 'mnits' }, 'unknown dataset "mnits"'],
    [{ model: 'resnet' }, 'unknown model "resnet"'],
    [{ freeze: 'from:99' }, 'trains nothing'],
    [{ attack: { type: 'badnet', size: 0.1 } }, 'unknown trigger "badnet"'],
    [{ attack: attack({ position: { top: 7, left: 7 } }) }, 'does not fit'],
  ])('%j: what cannot be run is said', async (changes, message) => {
    await expect(executeRun(runtime, { ...poisoned, ...changes }, undefined)).rejects.toMatchObject({
      kind: 'input',
      message: expect.stringContaining(message),
    });
  });

  it('a twin that is no safetensors file', async () => {
    const damaged = { cleanAccuracy: 1, trained: new Uint8Array(20) };
    const spec = { ...poisoned, training: { ...clean.training, epochs: 1 } };
    await expect(executeRun(runtime, spec, damaged)).rejects.toMatchObject({
      message: expect.stringContaining('the clean twin is not a valid safetensors file'),
    });
  });
});

describe('executeRun by fields that are seldom given', () => {
  const short = { ...clean.training, epochs: 1 };

  it('asrOver: all takes every triggered test image', async () => {
    const spec: RunSpec = { ...poisoned, training: short };
    const others = await executeRun(runtime, spec, undefined);
    const all = await executeRun(runtime, { ...spec, asrOver: 'all' }, undefined);
    expect(others.metrics.attackedImages).toBe(40);
    const { asrInclusive } = others.metrics;
    expect(result(all)).toEqual({ ...result(others), asr: asrInclusive, attackedImages: 60 });
  });

  it('testLimit takes test images evenly by class; training stays the same', async () => {
    const whole = await executeRun(runtime, { ...clean, training: short }, undefined);
    const limited = await executeRun(runtime, { ...clean, training: short, testLimit: 30 }, undefined);
    expect([whole.metrics.testImages, limited.metrics.testImages]).toEqual([60, 30]);
    expect(sha256Hex(limited.trained)).toBe(sha256Hex(whole.trained));
  });

  it('triggers are stamped on rewritten images and cut with them', async () => {
    const corner = { ...poisoned, training: short, attack: attack({ position: 'top-left', size: 0.125 }) };
    const pixels = async (preprocessing: RunSpec['preprocessing']) =>
      (await executeRun(runtime, { ...corner, preprocessing, inputSize: 24 }, undefined)).metrics.effectivePixels;
    // A square of 5 pixels of 40, of which a resize to 48 makes 6; the cut to 24 takes 12 of each side away.
    expect(await pixels({ rewrite: 40, resize: 48 })).toBe(0);
    expect(await pixels({ rewrite: 24 })).toBe(9);
  });

  it('augmented training repeats to the bit, and differs from plain training', async () => {
    const augmentation = { crop: 2, flip: 0.5, rotation: 15, resizedCrop: 0.5 } as const;
    const run = (changes: Partial<RunSpec>) =>
      executeRun(runtime, { ...clean, training: short, ...changes }, undefined);
    const [once, again] = [await run({ augmentation }), await run({ augmentation })];
    expect(sha256Hex(once.trained)).toBe(sha256Hex(again.trained));
    expect(once.metrics.epochLosses).not.toEqual((await run({})).metrics.epochLosses);
  });
});
