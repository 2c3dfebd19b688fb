import { afterAll, expect, it, vi } from 'vitest';
import { Rng } from '../core/rng.ts';
import { everyRow, memorySource } from '../data/dataset.ts';
import { parseFreeze } from '../models/freeze.ts';
import { models } from '../models/registry.ts';
import { Runtime } from '../runtime/node.ts';
import { createNetwork } from '../train/network.ts';
import { withTrigger } from '../train/poisoned-set.ts';
import { badnetsParameters, patchTrigger } from '../triggers/badnets.ts';
import { measureStealth } from './measure-stealth.ts';

const SHAPE = { height: 12, width: 12, channels: 3 } as const;
const runtime = new Runtime({ threads: 1 });
afterAll(() => runtime.close());

it('measures a trigger once, and another image or trigger anew', async () => {
  const imagesOf = (seed: number) => {
    const rng = Rng.of(seed, 'pixels');
    const pixels = Uint8Array.from({ length: 10 * 432 }, () => rng.int(0, 255));
    return memorySource(SHAPE, pixels, new Uint16Array(10));
  };
  const network = await createNetwork({
    model: models.get('alexnet-mini'),
    dataset: { classes: ['a', 'b'], train: imagesOf(0) },
    ...{ inputSize: 32, init: 'random', freeze: parseFreeze('paper'), seed: 1 },
  });
  const measure = async (images: number, size: number) => {
    const source = imagesOf(images);
    const trigger = patchTrigger(badnetsParameters.parse({ size, color: 'white' }), SHAPE);
    const triggered = await withTrigger(source, trigger, everyRow(source), { seed: 1, split: 'test' });
    const opened = vi.spyOn(runtime, 'open');
    const metrics = await measureStealth(runtime, network, triggered);
    const anew = opened.mock.calls.length > 0;
    opened.mockRestore();
    return { metrics, anew };
  };
  const first = await measure(0, 0.2);
  expect(first).toMatchObject({ anew: true, metrics: { stealthImages: 10 } });
  expect(first.metrics.stealthPerceptual).toBeGreaterThan(0);
  expect(await measure(0, 0.2)).toEqual({ ...first, anew: false });
  for (const other of [await measure(0, 0.4), await measure(1, 0.2)]) {
    expect(other.anew).toBe(true);
    expect(other.metrics).not.toEqual(first.metrics);
  }
});
