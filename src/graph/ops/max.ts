import type { OpDefinition, Value } from '../graph.ts';
import { apply, inferBroadcast } from './elementwise.ts';
import { extremumGradient } from './extremum.ts';

export const Max: OpDefinition = {
  type: 'Max',
  infer: inferBroadcast,
  gradient: extremumGradient,
};

/** The larger of two values, elementwise with broadcasting; where they tie, each gets half of the gradient, as in PyTorch. */
export function max(a: Value, b: Value): Value {
  return apply(Max, a, b);
}
