import { tensor } from '../../core/tensor.ts';
import { float } from '../attributes.ts';
import type { Node, OpDefinition, Value } from '../graph.ts';
import { staticDim, staticShape } from '../shapes.ts';
import { add } from './add.ts';
import { inferSame, onlyGradient, scalarLike } from './elementwise.ts';
import { matMul } from './mat-mul.ts';
import { mul } from './mul.ts';
import { pow } from './pow.ts';
import { reshape, reshapeLike } from './reshape.ts';
import { sub } from './sub.ts';

export const LRN: OpDefinition = {
  type: 'LRN',
  infer: inferSame,
  /** With d = bias + alpha/size · Σ x²: dx = dy·d^−β − 2αβ/size · x · Σᵀ(dy·x·d^−β−1). */
  gradient(node, dys) {
    const dy = onlyGradient(dys, node);
    const x = node.input(0);
    const [alpha, beta, bias] = [node.float('alpha', 1e-4), node.float('beta', 0.75), node.float('bias', 1)];
    const size = node.int('size', 5);
    const constant = (value: number) => scalarLike(x, value);
    const d = add(mul(channelSum(node, mul(x, x), false), constant(alpha / size)), constant(bias));
    const scaled = mul(dy, pow(d, constant(-beta)));
    const crossed = mul(mul(dy, x), pow(d, constant(-beta - 1)));
    const spread = mul(channelSum(node, crossed, true), constant((2 * alpha * beta) / size));
    return [sub(scaled, mul(x, spread))];
  },
};

/** Sum over the window of neighbouring channels (or its transpose), as a product with a banded matrix. */
function channelSum(node: Node, x: Value, transposed: boolean): Value {
  const size = node.int('size', 5);
  const channels = staticDim(x.shape[1], 'the number of channels');
  const pixels = staticShape(x.shape.slice(2), 'the pixels of an LRN input').reduce((all, dim) => all * dim, 1);
  const before = Math.floor((size - 1) / 2);
  const after = Math.ceil((size - 1) / 2);
  const band = new Float32Array(channels * channels);
  for (let c = 0; c < channels; c++) {
    for (let k = Math.max(0, c - before); k <= Math.min(channels - 1, c + after); k++) {
      band[transposed ? k * channels + c : c * channels + k] = 1;
    }
  }
  const matrix = x.graph.constant(tensor('float32', [channels, channels], band));
  return reshapeLike(matMul(matrix, reshape(x, [0, channels, pixels])), x);
}

export interface LrnOptions {
  readonly size: number;
  readonly alpha: number;
  readonly beta: number;
  readonly bias: number;
}

/** Local response normalisation across channels (Krizhevsky et al. 2012): x / (bias + alpha/size · Σ x²)^beta. */
export function lrn(x: Value, { size, alpha, beta, bias }: LrnOptions): Value {
  return x.graph.add(LRN, [x], { size, alpha: float(alpha), beta: float(beta), bias: float(bias) })[0];
}
