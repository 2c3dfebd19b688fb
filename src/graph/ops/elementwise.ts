// What the elementwise ops share: type inference with broadcasting, and its undoing in the backward pass.
import type { DType } from '../../core/tensor.ts';
import type { Node, OpDefinition, Value, ValueType } from '../graph.ts';
import { broadcastAxes, broadcastShapes } from '../shapes.ts';
import { reduceSum } from './reduce-sum.ts';
import { reshapeLike } from './reshape.ts';

/** Output type of an op that keeps its input's type and shape. */
export function inferSame(node: Node): ValueType[] {
  const { dtype, shape } = node.input(0);
  return [{ dtype, shape }];
}

/** Output type of a broadcasting op over all its inputs. @throws Error when element types differ or shapes do not broadcast. */
export function inferBroadcast(node: Node): ValueType[] {
  const values = node.inputs.map((_, i) => node.input(i));
  const { dtype } = values[0];
  const odd = values.find((value) => value.dtype !== dtype);
  if (odd) throw new Error(`inputs are ${dtype} and ${odd.dtype}`);
  return [{ dtype, shape: values.map((value) => value.shape).reduce(broadcastShapes) }];
}

/** As inferBroadcast, with bool output: for comparisons. */
export function inferComparison(node: Node): ValueType[] {
  return [{ dtype: 'bool', shape: inferBroadcast(node)[0].shape }];
}

/** Sums a gradient over the axes along which `target` was broadcast. */
export function unbroadcast(dy: Value, target: Value): Value {
  const axes = broadcastAxes(dy.shape, target.shape);
  if (axes.length === 0) return dy;
  return reshapeLike(reduceSum(dy, axes, false), target);
}

/** The gradients of a broadcasting op, each brought back to its input's shape; entries not needed are left out. */
export function broadcastGradients(
  node: Node,
  needs: readonly boolean[],
  emit: readonly (() => Value)[],
): (Value | undefined)[] {
  return emit.map((build, i) => (needs[i] ? unbroadcast(build(), node.input(i)) : undefined));
}

/** The gradient of the only (or first) output. */
export function onlyGradient(dy: readonly (Value | undefined)[], node: Node): Value {
  if (!dy[0]) throw new Error(`${node.op} "${node.name}": no gradient of its first output`);
  return dy[0];
}

/** Applies a one-output op. */
export function apply(definition: OpDefinition, ...inputs: Value[]): Value {
  return inputs[0].graph.add(definition, inputs)[0];
}

/** A constant of a value's own float type. */
export function scalarLike(value: Value, content: number): Value {
  return value.graph.scalar(content, value.dtype as DType & ('float32' | 'float64' | 'int64'));
}
