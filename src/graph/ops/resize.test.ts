// Resize between many sizes: the engine makes the size that was asked for and picks the pixels that the backward pass assumes.
import { describe, expect, it } from 'vitest';
import { normError, runInEngine } from '../../../test/interpreter/engine.ts';
import { float32, type Tensor } from '../../core/tensor.ts';
import { gradients } from '../autodiff.ts';
import { Graph, type Value } from '../graph.ts';
import { add } from './add.ts';
import { mul } from './mul.ts';
import { reduceSum } from './reduce-sum.ts';
import { Resize, resample, resize } from './resize.ts';

const CASES = (['linear', 'nearest'] as const).flatMap((mode) =>
  (['half_pixel', 'asymmetric', 'align_corners'] as const).map((coordinates) => ({ mode, coordinates })),
);

describe('resize', () => {
  it.each(CASES)('$mode, $coordinates: ⟨w, resize(x)⟩ = ⟨gradient, x⟩ for all sizes', async ({ mode, coordinates }) => {
    for (const from of [1, 6, 7, 14, 28, 33]) {
      const graph = new Graph();
      const x = graph.input('x', 'float32', [1, 1, 1, from]);
      const targets = Array.from({ length: 48 }, (_, i) => i + 1);
      for (const to of targets) {
        const y = resize(x, 1, to, { mode, coordinates });
        expect(y.shape).toEqual([1, 1, 1, to]);
        const weights = graph.constant(
          float32(
            [1, 1, 1, to],
            Array.from({ length: to }, (_, i) => Math.sin(i + to)),
          ),
        );
        const loss = reduceSum(mul(y, weights), [], false);
        graph.output(`loss${to}`, loss);
        graph.output(`gradient${to}`, gradients(loss, [x])[0] as Value);
      }
      const data = Float64Array.from({ length: from }, (_, i) => Math.cos(5 * i));
      const run = await runInEngine(graph, { x: { shape: x.shape as number[], data } });
      for (const to of targets) {
        const gradient = run[`gradient${to}`].data as Float32Array;
        const product = data.reduce((sum, value, i) => sum + value * gradient[i], 0);
        expect(product, `${from} to ${to}`).toBeCloseTo(Number(run[`loss${to}`].data[0]), 4);
      }
    }
  });

  it('agrees with resample', async () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', ['N', 2, 7, 5]);
    for (const { mode, coordinates } of CASES.slice(0, 3)) {
      graph.output(`${mode} ${coordinates}`, resize(x, 11, 3, { mode, coordinates }));
      graph.output(`${mode} ${coordinates} again`, resample(x, 11, 3, { mode, coordinates }));
    }
    const data = Float64Array.from({ length: 70 }, (_, i) => Math.cos(5 * i));
    const run = await runInEngine(graph, { x: { shape: [1, 2, 7, 5], data } });
    const values = (content: Tensor) => content.data as Float32Array;
    for (const name of [...graph.outputs.keys()].filter((key) => !key.endsWith('again'))) {
      expect(normError(values(run[name]), values(run[`${name} again`])), name).toBeLessThan(1e-6);
    }
  });

  it.each([
    [{ mode: 'cubic' }, 'mode "cubic"'],
    [{ coordinate_transformation_mode: 'tf_crop_and_resize' }, 'coordinate_transformation_mode "tf_crop_and_resize"'],
    [{ nearest_mode: 'ceil' }, 'nearest_mode "ceil"'],
    [{ antialias: 1 }, 'antialiasing'],
  ])('refuses a backward pass it does not know: %o', (attributes, message) => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', ['N', 1, 2, 2]);
    const scales = graph.constant(float32([4], [1, 1, 2, 2]));
    const [y] = graph.add(Resize, [x, undefined, scales], attributes);
    const loss = reduceSum(add(y, y), [], false);
    expect(() => gradients(loss, [x])).toThrow(message);
  });
});
