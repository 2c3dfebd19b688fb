// Dropout with its mask fed from the host, so that training can be repeated and resumed to the bit.
import type { OpDefinition, Value } from '../graph.ts';
import { cast } from './cast.ts';
import { inferSame, onlyGradient, scalarLike } from './elementwise.ts';
import { mul } from './mul.ts';

/** ONNX's own Dropout, as found in imported models: the identity at inference. */
export const Dropout: OpDefinition = {
  type: 'Dropout',
  infer(node) {
    const training = node.inputs[2]?.constant?.data[0];
    if (training) throw new Error('Dropout in training mode draws its own mask; only inference is supported');
    return inferSame(node);
  },
  gradient: (node, dys) => [onlyGradient(dys, node)],
};

/** x where `keep` (uint8 0 or 1, same shape) is 1, scaled by 1 / (1 − rate), and 0 elsewhere: PyTorch's dropout given its mask. */
export function dropout(x: Value, keep: Value, rate: number): Value {
  return mul(x, mul(cast(keep, 'float32'), scalarLike(x, 1 / (1 - rate))));
}
