import type { OpDefinition, Value } from '../graph.ts';
import { div } from './div.ts';
import { apply, inferSame, onlyGradient } from './elementwise.ts';

export const Log: OpDefinition = {
  type: 'Log',
  infer: inferSame,
  gradient: (node, dys) => [div(onlyGradient(dys, node), node.input(0))],
};

/** Natural logarithm of x > 0. */
export function log(x: Value): Value {
  return apply(Log, x);
}
