// Binary cross-entropy on logits, composed of ONNX ops (as PyTorch's binary_cross_entropy_with_logits with mean reduction).
import type { Value } from '../graph.ts';
import { abs } from './abs.ts';
import { add } from './add.ts';
import { scalarLike } from './elementwise.ts';
import { exp } from './exp.ts';
import { log } from './log.ts';
import { mul } from './mul.ts';
import { neg } from './neg.ts';
import { reduceMean } from './reduce-mean.ts';
import { sub } from './sub.ts';

/** Mean over all elements of −t·log σ(z) − (1 − t)·log(1 − σ(z)): logits z and targets t in [0, 1] of one shape → scalar. */
export function binaryCrossEntropy(logits: Value, targets: Value): Value {
  // log(1 + eᶻ) without overflow for large z, and with its slope of a half at 0, where |z| has none.
  const size = abs(logits);
  const half = mul(add(logits, size), scalarLike(logits, 0.5));
  const softplus = add(half, log(add(exp(neg(size)), scalarLike(logits, 1))));
  return reduceMean(
    sub(softplus, mul(logits, targets)),
    logits.shape.map((_, axis) => axis),
    false,
  );
}
