// The optimiser on large parameters, block by block: each block's gradient, state and value are worked on while they lie in
// the processor's cache, and the new ones are written where the old ones lie.
import { Graph, type Node, type Value } from '../graph/graph.ts';
import { gemm } from '../graph/ops/gemm.ts';
import { reshape } from '../graph/ops/reshape.ts';
import { scan } from '../graph/ops/scan.ts';
import { transpose } from '../graph/ops/transpose.ts';
import { staticShape } from '../graph/shapes.ts';
import type { Optimizer } from './optimizers.ts';

interface LargeParameter {
  /** Parameter and optimiser slots, [blocks, rows, columns]. */
  readonly parameter: Value;
  readonly slots: Readonly<Record<string, Value>>;
  /** Of the parameter's own shape. */
  readonly gradient: Value;
  readonly scalars: Readonly<Record<string, Value>>;
}

/**
 * Emits the update of one large parameter. Where the gradient is a product of two matrices, as in dense layers, each block
 * computes its own part of it, so that the whole gradient never exists.
 */
export function updateInBlocks(optimizer: Optimizer, { parameter, slots, gradient, scalars }: LargeParameter) {
  const { graph } = parameter;
  const [blocks, rows, columns] = staticShape(parameter.shape, 'a large parameter');
  const prefix = graph.uniqueName(`blocks/${parameter.name}`);
  const body = new Graph(prefix);
  const block = (name: string, shape: readonly number[] | readonly (number | string)[]) =>
    body.input(`${prefix}/${name}`, 'float32', shape);
  return body.scoped(prefix, () => {
    const own = block('parameter', [rows, columns]);
    const state = Object.fromEntries(optimizer.slots.map((slot) => [slot, block(slot, [rows, columns])]));
    const factors = outerFactors(gradient.producer);
    const fed = factors
      ? reshape(transpose(factors.dy, [1, 0]), [blocks, rows, -1])
      : reshape(gradient, [blocks, rows, columns]);
    const slice = block('gradient', fed.shape.slice(1));
    const slope = factors ? gemm(slice, body.capture(factors.x)) : slice;
    const inner = Object.fromEntries(Object.entries(scalars).map(([name, value]) => [name, body.capture(value)]));
    const next = optimizer.update(own, slope, state, inner);
    body.output(`${prefix}/next`, next.parameter);
    for (const slot of optimizer.slots) body.output(`${prefix}/next/${slot}`, next.state[slot]);
    const [moved, ...kept] = scan(body, [parameter, ...optimizer.slots.map((slot) => slots[slot]), fed]);
    return { parameter: moved, state: Object.fromEntries(optimizer.slots.map((slot, i) => [slot, kept[i]])) };
  });
}

/** The factors of a gradient dyᵀ·x: dy [N, O] and x [N, I]. */
function outerFactors(node: Node | undefined): { dy: Value; x: Value } | undefined {
  if (node?.op !== 'Gemm' || node.inputs[2] || node.int('transA', 0) !== 1 || node.int('transB', 0) !== 0)
    return undefined;
  if (node.float('alpha', 1) !== 1) return undefined;
  return { dy: node.input(0), x: node.input(1) };
}
