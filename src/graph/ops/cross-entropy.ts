// Cross-entropy on integer labels, composed of ONNX ops (as PyTorch's F.cross_entropy with mean reduction).
import type { Value } from '../graph.ts';
import { staticDim } from '../shapes.ts';
import { logSoftmax } from './log-softmax.ts';
import { mul } from './mul.ts';
import { neg } from './neg.ts';
import { oneHot } from './one-hot.ts';
import { reduceMean } from './reduce-mean.ts';
import { reduceSum } from './reduce-sum.ts';

/** Mean over the batch of −log softmax(logits)[label]: logits [N, K], labels int64 [N] in [0, K) → scalar. */
export function crossEntropy(logits: Value, labels: Value): Value {
  const classes = staticDim(logits.shape[1], 'the number of classes');
  const chosen = reduceSum(mul(logSoftmax(logits, 1), oneHot(labels, classes)), [1], false);
  return neg(reduceMean(chosen, [0], false));
}
