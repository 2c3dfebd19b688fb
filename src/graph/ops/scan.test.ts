import { describe, expect, it } from 'vitest';
import { runInEngine } from '../../../test/interpreter/engine.ts';
import { Graph } from '../graph.ts';
import { add } from './add.ts';
import { matMul } from './mat-mul.ts';
import { mul } from './mul.ts';
import { scan } from './scan.ts';

const counted = (shape: number[]) => ({
  shape,
  data: Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i + 1),
});

describe('scan', () => {
  it('runs its body on every slice and stacks the results, with values of the graph around it', async () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [3, 2, 2]);
    const y = graph.input('y', 'float32', [3, 2, 2]);
    const factor = graph.input('factor', 'float32', [2, 2]);
    // An inner node of the outer graph that is also an output, and so goes by the output's name.
    const doubled = mul(factor, graph.scalar(2));
    graph.output('doubled', doubled);
    const body = new Graph('body');
    const [a, b] = [body.input('body/a', 'float32', [2, 2]), body.input('body/b', 'float32', [2, 2])];
    const captured = body.capture(doubled);
    expect(body.capture(doubled)).toBe(captured);
    body.scoped('body', () => {
      body.output('body/product', matMul(a, captured));
      body.output('body/sum', add(a, b));
    });
    const [product, sum] = scan(body, [x, y]);
    expect([product.shape, sum.shape]).toEqual([
      [3, 2, 2],
      [3, 2, 2],
    ]);
    graph.output('product', product);
    graph.output('sum', sum);
    const feeds = { x: counted([3, 2, 2]), y: counted([3, 2, 2]), factor: counted([2, 2]) };
    const out = await runInEngine(graph, feeds);
    expect([...(out.sum.data as Float32Array)]).toEqual([2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24]);
    // [[1, 2], [3, 4]] · [[2, 4], [6, 8]] and so on.
    expect([...(out.product.data as Float32Array)]).toEqual([14, 20, 30, 44, 46, 68, 62, 92, 78, 116, 94, 140]);
  });

  it('refuses slices that do not fit its body', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [3, 2]);
    const body = new Graph('body');
    const a = body.input('a', 'float32', [4]);
    body.output('b', mul(a, a));
    expect(() => scan(body, [x])).toThrow('slices of "x" are [2], the body takes [4]');
    expect(() => scan(body, [x, x])).toThrow('the body takes 1 inputs, 2 are given');
  });
});
