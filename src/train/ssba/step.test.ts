// The training step against PyTorch: loss and the gradients of every parameter, whose numbers both sides make from formulas.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { filled, float32, sizeOf, type Tensor, tensor } from '../../core/tensor.ts';
import { stegastampParameters } from '../../models/stegastamp.ts';
import { Runtime } from '../../runtime/node.ts';
import { ssbaSchedules } from '../../triggers/ssba/schedules.ts';
import type { Optimizer } from '../optimizers.ts';
import { packTensors, unpackTensors } from '../packing.ts';
import { ssbaPacks, ssbaStep } from './step.ts';

interface Fixture {
  readonly side: number;
  readonly bits: number;
  readonly width: number;
  readonly decoderWidth: number;
  readonly batch: number;
  readonly results: Record<'rgb' | 'yuv', Result>;
}
interface Result {
  readonly loss: number;
  readonly error: number;
  readonly accuracy: number;
  /** Norm and first number of each gradient. */
  readonly gradients: Record<string, [number, number]>;
}

const file = new URL('../../../test/fixtures/torch-ssba/ssba.json', import.meta.url);
const fixture = JSON.parse(readFileSync(file, 'utf8')) as Fixture;
const { side, bits, width, decoderWidth, batch } = fixture;
const size = { image: { height: side, width: side, channels: 3 }, bits, width, decoderWidth } as const;

/** Puts the gradient in the parameters' place. */
const showGradient: Optimizer = {
  slots: [],
  scalars: [],
  feed: () => [],
  update: (_, gradient) => ({ parameter: gradient, state: {} }),
};

function parameters(): Record<string, Tensor> {
  return Object.fromEntries(
    stegastampParameters(size).map(({ name, shape }, i) => {
      const scale = shape.length > 1 ? 1.5 / Math.sqrt(sizeOf(shape.slice(1))) : 0.05;
      return [
        name,
        float32(
          shape,
          Float64Array.from({ length: sizeOf(shape) }, (_, k) => scale * Math.sin(1.7 * k + i)),
        ),
      ];
    }),
  );
}

test.each(['rgb', 'yuv'] as const)('loss and gradients are PyTorch’s: %s', async (colors) => {
  const schedule = { ...ssbaSchedules.get('fast'), secretWeight: 1.5, colors };
  const { graph } = ssbaStep(size, schedule, showGradient);
  const [pack] = ssbaPacks(size);
  const runtime = new Runtime({ threads: 1 });
  const out = await (await runtime.open(graph)).run({
    'parameters/small': packTensors(pack, parameters()),
    image: tensor(
      'uint8',
      [batch, side, side, 3],
      Uint8Array.from({ length: batch * side * side * 3 }, (_, i) => (i * 37) % 256),
    ),
    secret: float32(
      [batch, bits],
      Array.from({ length: batch * bits }, (_, i) => (i % 3 === 0 ? 1 : 0)),
    ),
    weight: filled([], 2),
  });
  await runtime.close();
  const expected = fixture.results[colors];
  for (const name of ['loss', 'error', 'accuracy'] as const) {
    expect(Math.abs(Number(out[name].data[0]) / expected[name] - 1), name).toBeLessThan(1e-5);
  }
  const gradients = unpackTensors(pack, out['next/parameters/small']);
  expect(Object.keys(gradients).sort()).toEqual(Object.keys(expected.gradients).sort());
  for (const [name, [norm, first]] of Object.entries(expected.gradients)) {
    const data = gradients[name].data as Float32Array;
    const own = Math.sqrt(data.reduce((sum, value) => sum + value * value, 0));
    expect(Math.abs(own - norm), name).toBeLessThan(1e-4 * norm + 1e-9);
    expect(Math.abs(data[0] - first), name).toBeLessThan(1e-4 * norm + 1e-9);
  }
});
