import type { OpDefinition, Value } from '../graph.ts';
import { div } from './div.ts';
import { onlyGradient } from './elementwise.ts';
import { elementRatio, inferReduction, reduce, spread } from './reduction.ts';

export const ReduceMean: OpDefinition = {
  type: 'ReduceMean',
  infer: inferReduction,
  gradient(node, dys) {
    const dy = onlyGradient(dys, node);
    return [spread(node, div(dy, elementRatio(node.input(0), dy)))];
  },
};

/** Mean over `axes`; with `keepDims` they stay as size 1. */
export function reduceMean(x: Value, axes: readonly number[], keepDims: boolean): Value {
  return reduce(ReduceMean, x, axes, keepDims);
}
