import { filled, sizeOf } from '../../core/tensor.ts';
import { float } from '../attributes.ts';
import type { Node, OpDefinition, Value } from '../graph.ts';
import { staticShape } from '../shapes.ts';
import { add } from './add.ts';
import { div } from './div.ts';
import { inferSame, onlyGradient, scalarLike } from './elementwise.ts';
import { mul } from './mul.ts';
import { neg } from './neg.ts';
import { reduceMean } from './reduce-mean.ts';
import { reduceSum } from './reduce-sum.ts';
import { elementRatio } from './reduction.ts';
import { reshape } from './reshape.ts';
import { sqrt } from './sqrt.ts';
import { sub } from './sub.ts';

/** Inputs x [N, C, …], scale, bias, mean, variance [C]: scale · (x − mean) / √(variance + epsilon) + bias. */
export const BatchNormalization: OpDefinition = {
  type: 'BatchNormalization',
  infer(node) {
    if (node.int('training_mode', 0) !== 0) throw new Error('training_mode is not supported: use batchNormTraining');
    return inferSame(node);
  },
  gradient(node, dys, needs) {
    if (needs[3] || needs[4])
      throw new Error(`no gradient to the running statistics of BatchNormalization "${node.name}"`);
    const dy = onlyGradient(dys, node);
    const inverse = inverseDeviation(node);
    const centred = () => sub(node.input(0), perChannel(node.input(3), dy.rank));
    return [
      needs[0] ? affine(dy, mul(node.input(1), inverse)) : undefined,
      needs[1] ? mul(sumPixels(mul(dy, centred())), inverse) : undefined,
      needs[2] ? sumPixels(dy) : undefined,
    ];
  },
};

/**
 * The same op fed with the batch's own statistics: its input is already centred, its mean is zero, and its backward pass
 * takes the dependence of mean and variance on x into account, so that nothing flows to those inputs
 * (Ioffe & Szegedy 2015): dx = a·dy + b·x + c with a = scale/σ, b = −a·Σ(dy·x)/(n·σ²), c = −a·Σdy/n.
 */
const BatchNormalizationOfBatch: OpDefinition = {
  type: 'BatchNormalization',
  infer: inferSame,
  gradient(node, dys, needs) {
    const dy = onlyGradient(dys, node);
    const centred = node.input(0);
    const inverse = inverseDeviation(node);
    const sumDy = sumPixels(dy);
    const sumDyX = sumPixels(mul(dy, centred));
    if (!needs[0]) return [undefined, needs[1] ? mul(sumDyX, inverse) : undefined, needs[2] ? sumDy : undefined];
    const a = mul(node.input(1), inverse);
    const share = div(a, elementRatio(centred, sumDy));
    const b = neg(mul(mul(share, sumDyX), mul(inverse, inverse)));
    const c = neg(mul(share, sumDy));
    const dx = add(affine(dy, a, c), mul(centred, perChannel(b, dy.rank)));
    return [dx, mul(sumDyX, inverse), sumDy];
  },
};

/** x − mean over the batch, whose gradient is left to BatchNormalizationOfBatch: dx there already sums to zero per channel. */
const CentreOfBatch: OpDefinition = {
  type: 'Sub',
  infer: inferSame,
  gradient: (node, dys) => [onlyGradient(dys, node), undefined],
};

/** 1 / √(variance + epsilon) of a node, [C]. */
function inverseDeviation(node: Node): Value {
  const variance = node.input(4);
  const one = scalarLike(variance, 1);
  return div(one, sqrt(add(variance, scalarLike(variance, node.float('epsilon', 1e-5)))));
}

/** x · a + c per channel in one pass: a BatchNormalization with mean 0 and variance 1. */
function affine(x: Value, a: Value, c?: Value): Value {
  const channels = staticShape(a.shape, 'the channels of a batch norm');
  const constant = (value: number) => x.graph.constant(filled(channels, value));
  return x.graph.add(BatchNormalization, [x, a, c ?? constant(0), constant(0), constant(1)], { epsilon: float(0) })[0];
}

/** Sum over batch and pixels: [N, C, …] → [C]. Pixels first: ONNX Runtime sums up whole rows of memory twice as fast. */
function sumPixels(x: Value): Value {
  return reduceSum(x.rank > 2 ? reduceSum(x, pixelAxes(x.rank), false) : x, [0], false);
}

/** Mean over batch and pixels: [N, C, …] → [1, C, 1, …]. */
function meanPixels(x: Value): Value {
  return reduceMean(x.rank > 2 ? reduceMean(x, pixelAxes(x.rank), true) : x, [0], true);
}

const pixelAxes = (rank: number): number[] => Array.from({ length: rank - 2 }, (_, i) => i + 2);

/** [C] as [1, C, 1, …]. */
function perChannel(x: Value, rank: number): Value {
  const channels = sizeOf(staticShape(x.shape, 'the channels of a batch norm'));
  return reshape(x, [1, channels, ...new Array<number>(rank - 2).fill(1)]);
}

/** Batch norm with given statistics (evaluation, or frozen). */
export function batchNorm(x: Value, scale: Value, bias: Value, mean: Value, variance: Value, epsilon: number): Value {
  return x.graph.add(BatchNormalization, [x, scale, bias, mean, variance], { epsilon: float(epsilon) })[0];
}

export interface TrainedBatchNorm {
  readonly y: Value;
  /** Running statistics after this batch, as PyTorch updates them: the variance with Bessel's correction. */
  readonly runningMean: Value;
  readonly runningVariance: Value;
}

/**
 * Batch norm with the batch's own statistics (biased variance), and the updated running statistics.
 * x is centred before it is squared, so that a mean far larger than the deviation costs no precision.
 * `momentum` is PyTorch's: the weight of the new batch (0.1).
 */
export function batchNormTraining(
  x: Value,
  scale: Value,
  bias: Value,
  running: { readonly mean: Value; readonly variance: Value },
  epsilon: number,
  momentum: number,
): TrainedBatchNorm {
  const channels = staticShape([x.shape[1]], 'the channels of a batch norm');
  const mean = meanPixels(x);
  const centred = x.graph.add(CentreOfBatch, [x, mean])[0];
  // Two ops are faster than ReduceSumSquare, for which ONNX Runtime has no fast path over these axes.
  const squares = sumPixels(mul(centred, centred));
  const count = elementRatio(x, squares);
  const variance = div(squares, count);
  const zero = x.graph.constant(filled(channels, 0));
  const y = x.graph.add(BatchNormalizationOfBatch, [centred, scale, bias, zero, variance], {
    epsilon: float(epsilon),
  })[0];
  const one = scalarLike(x, 1);
  const blend = (old: Value, fresh: Value) =>
    add(mul(old, scalarLike(x, 1 - momentum)), mul(fresh, scalarLike(x, momentum)));
  return {
    y,
    runningMean: blend(running.mean, reshape(mean, channels)),
    runningVariance: blend(running.variance, div(squares, sub(count, one))),
  };
}
