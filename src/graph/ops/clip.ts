import type { OpDefinition, Value } from '../graph.ts';
import { and } from './and.ts';
import { inferSame, onlyGradient, scalarLike } from './elementwise.ts';
import { greaterOrEqual } from './greater-or-equal.ts';
import { lessOrEqual } from './less-or-equal.ts';
import { where } from './where.ts';

export const Clip: OpDefinition = {
  type: 'Clip',
  infer: inferSame,
  gradient(node, dys) {
    const dy = onlyGradient(dys, node);
    const x = node.input(0);
    const [, low, high] = node.inputs;
    const conditions = [low && greaterOrEqual(x, low), high && lessOrEqual(x, high)].filter((c) => c !== undefined);
    return [conditions.length === 0 ? dy : where(conditions.reduce(and), dy, scalarLike(dy, 0))];
  },
};

/**
 * x held within [low, high]; the gradient passes where low ≤ x ≤ high, as in PyTorch's clamp (which from some version
 * before 2.15 on stops it at the bounds themselves).
 */
export function clip(x: Value, low: number | undefined, high: number | undefined): Value {
  const bound = (value: number | undefined) => (value === undefined ? undefined : scalarLike(x, value));
  return x.graph.add(Clip, [x, bound(low), bound(high)])[0];
}
