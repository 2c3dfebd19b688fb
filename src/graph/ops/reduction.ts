// What the Reduce ops share: axes, shapes, and spreading a gradient back over what was reduced.
import { sizeOf } from '../../core/tensor.ts';
import type { Node, OpDefinition, Value, ValueType } from '../graph.ts';
import { normalizeAxis, vectorLike } from '../shapes.ts';
import { cast } from './cast.ts';
import { div } from './div.ts';
import { scalarLike } from './elementwise.ts';
import { expandLike } from './expand.ts';
import { sizeOfValue } from './size.ts';
import { unsqueeze } from './unsqueeze.ts';

/** The reduced axes: second input, or attribute in older models; all of them when none are given. */
export function reducedAxes(node: Node): number[] {
  const x = node.input(0);
  const given = node.constantInts(1) ?? node.ints('axes') ?? [];
  if (given.length === 0) return node.int('noop_with_empty_axes', 0) ? [] : x.shape.map((_, axis) => axis);
  return given.map((axis) => normalizeAxis(axis, x.rank)).sort((a, b) => a - b);
}

export function inferReduction(node: Node): ValueType[] {
  const x = node.input(0);
  const axes = reducedAxes(node);
  const keep = node.int('keepdims', 1) === 1;
  const shape = x.shape.flatMap((dim, axis) => (!axes.includes(axis) ? [dim] : keep ? [1] : []));
  return [{ dtype: x.dtype, shape }];
}

/** A reduced value (result or its gradient) with the reduced axes back as size 1. */
export function keptDims(node: Node, value: Value): Value {
  const axes = reducedAxes(node);
  return node.int('keepdims', 1) === 1 || axes.length === 0 ? value : unsqueeze(value, axes);
}

/** The gradient of a reduction's result, repeated over what was reduced. */
export function spread(node: Node, dy: Value): Value {
  return expandLike(keptDims(node, dy), node.input(0));
}

/** Emits a Reduce op over `axes`. */
export function reduce(definition: OpDefinition, x: Value, axes: readonly number[], keepDims: boolean): Value {
  return x.graph.add(definition, [x, vectorLike(x, axes)], { keepdims: keepDims ? 1 : 0 })[0];
}

/** How many elements of `x` there are for each of `part`, as a float scalar; computed at run time when a dimension is unknown. */
export function elementRatio(x: Value, part: Value): Value {
  const known = (value: Value) => value.shape.every((dim) => typeof dim === 'number');
  if (known(x) && known(part)) {
    return scalarLike(x, sizeOf(x.shape as number[]) / sizeOf(part.shape as number[]));
  }
  return div(cast(sizeOfValue(x), x.dtype), cast(sizeOfValue(part), x.dtype));
}
