import type { OpDefinition, Value } from '../graph.ts';
import { apply, inferBroadcast } from './elementwise.ts';
import { extremumGradient } from './extremum.ts';

export const Min: OpDefinition = {
  type: 'Min',
  infer: inferBroadcast,
  gradient: extremumGradient,
};

/** The smaller of two values, elementwise with broadcasting; where they tie, each gets half of the gradient, as in PyTorch. */
export function min(a: Value, b: Value): Value {
  return apply(Min, a, b);
}
