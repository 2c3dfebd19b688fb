// Heat maps of the shipped networks against PyTorch autograd and pytorch-grad-cam: see test/fixtures/grad-cam/make.py.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imagesOf, noise } from '../../test/fixtures/torch-train/formula.ts';
import { tensor } from '../core/tensor.ts';
import { parseFreeze } from '../models/freeze.ts';
import { models } from '../models/registry.ts';
import { pretrainedState } from '../models/state.ts';
import { Runtime } from '../runtime/node.ts';
import { createNetwork, type Network } from '../train/network.ts';
import { stateFeeds } from '../train/predict.ts';
import { type CamMethod, camGraph } from './grad-cam.ts';

interface Case {
  readonly model: string;
  readonly layer: string;
  readonly method: CamMethod;
  readonly side: number;
  readonly logits: readonly number[];
  readonly map: readonly number[];
}
const fixture = new URL('../../test/fixtures/grad-cam/maps.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(fixture, 'utf8')) as { cases: Case[] };
const CLASSES = 10;
const BATCH = { batch: 2, side: 32 };

/** A shipped backbone with a head from the formula. */
async function network(name: string): Promise<Network> {
  const model = models.get(name);
  const dataset = { classes: Array.from({ length: CLASSES }, String), train: { height: 32, width: 32, channels: 3 } };
  const options = { model, dataset: dataset as never, inputSize: 32, seed: 0 } as const;
  const bare = await createNetwork({ ...options, init: 'random', freeze: parseFreeze('head') });
  const state = { ...(await pretrainedState(model, bare.info, 32, 0)) };
  for (const { name: parameter, shape } of bare.info.parameters) {
    if (!parameter.startsWith(`${model.architecture.head}.`)) continue;
    const bits = noise(
      parameter,
      shape.reduce((a, b) => a * b),
    );
    state[parameter] = tensor(
      'float32',
      shape,
      Float32Array.from(bits, (u) => (2 * (u / 2 ** 32) - 1) * 0.3),
    );
  }
  return createNetwork({ ...options, init: 'pretrained', freeze: parseFreeze('paper'), start: state });
}

const largest = (a: ArrayLike<number>, b: readonly number[]) =>
  b.reduce((most, value, i) => Math.max(most, Math.abs(value - a[i])), 0);

describe('maps equal PyTorch’s', () => {
  let runtime: Runtime;
  beforeAll(() => {
    runtime = new Runtime({ threads: 1 });
  });
  afterAll(() => runtime.close());

  it.each(cases.map((one) => [`${one.model} ${one.layer} ${one.method}`, one] as const))('%s', async (_, one) => {
    const own = await network(one.model);
    const { graph, layer } = camGraph(own, one.layer, one.method);
    expect([layer.height, layer.width]).toEqual([one.side, one.side]);
    const session = await runtime.open(graph);
    const labels = tensor('int64', [2], BigInt64Array.of(0n, 3n));
    const { map, logits } = await session.run({ ...stateFeeds(own, own.start), image: imagesOf(0, BATCH), labels });
    expect(map.shape).toEqual([2, 32, 32]);
    expect(largest(logits.data as Float32Array, one.logits)).toBeLessThan(1e-4);
    expect(largest(map.data as Float32Array, one.map)).toBeLessThan(1e-3);
    expect(Math.max(...one.map)).toBeGreaterThan(0.5);
  });
});
