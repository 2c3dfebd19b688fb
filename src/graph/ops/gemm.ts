import { float } from '../attributes.ts';
import type { Dim, OpDefinition, Value } from '../graph.ts';
import { broadcastShapes } from '../shapes.ts';
import { onlyGradient, scalarLike, unbroadcast } from './elementwise.ts';
import { mul } from './mul.ts';

export const Gemm: OpDefinition = {
  type: 'Gemm',
  infer(node) {
    const [a, b, c] = [node.input(0), node.input(1), node.inputs[2]];
    if (a.rank !== 2 || b.rank !== 2) throw new Error(`needs two matrices, got [${a.shape}] and [${b.shape}]`);
    const [rows, inner] = node.int('transA', 0) ? [a.shape[1], a.shape[0]] : a.shape;
    const [inner2, columns] = node.int('transB', 0) ? [b.shape[1], b.shape[0]] : b.shape;
    if (typeof inner === 'number' && typeof inner2 === 'number' && inner !== inner2) {
      throw new Error(`inner dimensions ${inner} and ${inner2} differ`);
    }
    const shape: readonly Dim[] = [rows, columns];
    if (c) broadcastShapes(c.shape, shape);
    return [{ dtype: a.dtype, shape }];
  },
  gradient(node, dys, needs) {
    const dy = onlyGradient(dys, node);
    const [a, b, c] = [node.input(0), node.input(1), node.inputs[2]];
    const [transA, transB] = [node.int('transA', 0) === 1, node.int('transB', 0) === 1];
    const [alpha, beta] = [node.float('alpha', 1), node.float('beta', 1)];
    const toA = () =>
      transA
        ? gemm(b, dy, undefined, { transA: transB, transB: true, alpha })
        : gemm(dy, b, undefined, { transB: !transB, alpha });
    const toB = () =>
      transB
        ? gemm(dy, a, undefined, { transA: true, transB: transA, alpha })
        : gemm(a, dy, undefined, { transA: !transA, alpha });
    const toC = () => (beta === 1 ? dy : mul(dy, scalarLike(dy, beta)));
    return [
      needs[0] ? toA() : undefined,
      needs[1] ? toB() : undefined,
      needs[2] && c ? unbroadcast(toC(), c) : undefined,
    ];
  },
};

export interface GemmOptions {
  readonly transA?: boolean;
  readonly transB?: boolean;
  readonly alpha?: number;
}

/** alpha · A·B + c for matrices, either of them transposed first; c broadcasts to the result. */
export function gemm(a: Value, b: Value, c?: Value, options: GemmOptions = {}): Value {
  const attributes = {
    transA: options.transA ? 1 : 0,
    transB: options.transB ? 1 : 0,
    ...(options.alpha !== undefined && options.alpha !== 1 ? { alpha: float(options.alpha) } : {}),
  };
  return a.graph.add(Gemm, c ? [a, b, c] : [a, b], attributes)[0];
}
