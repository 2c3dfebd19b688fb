// The backward pass that Min and Max share.
import type { Node, Value } from '../graph.ts';
import { broadcastGradients, onlyGradient, scalarLike } from './elementwise.ts';
import { equal } from './equal.ts';
import { mul } from './mul.ts';
import { where } from './where.ts';

/** Gradient to the input that equals the output; half each where both do. @throws Error for more than two inputs. */
export function extremumGradient(
  node: Node,
  dys: readonly (Value | undefined)[],
  needs: readonly boolean[],
): (Value | undefined)[] {
  const dy = onlyGradient(dys, node);
  if (node.inputs.length === 1) return [dy];
  if (node.inputs.length > 2) throw new Error(`no gradient through ${node.op} of ${node.inputs.length} inputs`);
  const [a, b] = [node.input(0), node.input(1)];
  const half = mul(dy, scalarLike(dy, 0.5));
  const zero = scalarLike(dy, 0);
  const wins = (value: Value) => where(equal(a, b), half, where(equal(value, node.outputs[0]), dy, zero));
  return broadcastGradients(node, needs, [() => wins(a), () => wins(b)]);
}
