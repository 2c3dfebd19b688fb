// Shapes and constants of imported models: what is known is worked out while the graph is built.
import { filled, type Tensor } from '../../core/tensor.ts';
import type { Dim, Value } from '../graph.ts';
import { add } from '../ops/add.ts';
import { cast } from '../ops/cast.ts';
import { apply } from '../ops/elementwise.ts';
import { Expand } from '../ops/expand.ts';
import { flatten } from '../ops/flatten.ts';
import { greater } from '../ops/greater.ts';
import { reduceMean } from '../ops/reduce-mean.ts';
import { reshape } from '../ops/reshape.ts';
import { squeeze } from '../ops/squeeze.ts';
import { unsqueeze } from '../ops/unsqueeze.ts';
import { where } from '../ops/where.ts';
import { dimOf, productOf } from '../shapes.ts';
import { reshapeTensor } from './fold.ts';
import {
  frontAxes,
  type Known,
  knownVector,
  numbersOf,
  relaidKnown,
  reshapeNumbers,
  sliceKnown,
  whereKnown,
} from './known.ts';
import { type Emit, type NodeView, wholeTensor } from './view.ts';

/** From here on, an end means "to the end". */
export const FAR = 2 ** 31;

const shapeKnown: Emit = (node) => {
  const entry = node.entries[0];
  const shape: readonly Dim[] = entry?.tensor?.shape ?? node.input(0).shape;
  const end = node.node.attributes.end === undefined ? FAR : node.int('end', FAR);
  return [{ known: sliceKnown(knownVector(shape), node.int('start', 0), end, 1) }];
};

/** The axes of an op that takes them as an input from operator set 13 or 18 on, as an attribute before. */
export const axesOf = (node: NodeView): number[] | undefined => node.numbers(1, 'axes');

const reshaped: Emit = (node) => {
  const shape = node.ints('shape');
  const known = node.known(1) ?? (shape && knownVector(shape));
  if (!known) throw new Error(`its target shape ("${node.node.inputs[1] ?? ''}") is not known when the graph is built`);
  const wanted = node.around.hooks.target?.(node.node, known.dims) ?? known.dims;
  if (node.int('allowzero', 0) === 1 && wanted.includes(0)) throw new Error('allowzero with a 0 is not supported');
  const small = node.known(0);
  const entry = node.entries[0];
  const flat = small && relaidKnown(small, wanted.length);
  if (flat && !entry?.tensor) return [{ known: flat }];
  const numbers = numbersOf({ ...known, dims: wanted });
  const content = entry?.tensor ?? (small && tableOf(small));
  if (content && numbers) return [{ tensor: reshapeTensor(content, numbers) }];
  const x = node.input(0);
  return [reshape(x, reshapeNumbers(x.shape, wanted, node.around.fixedBatch))];
};

/** Known numbers as a tensor, which may take any shape; undefined where one is symbolic. */
function tableOf(known: Known): Tensor | undefined {
  const numbers = numbersOf(known);
  return numbers && wholeTensor(known.dtype, known.shape, numbers);
}

const squeezed: Emit = (node) => {
  const given = axesOf(node);
  const { tensor, value } = node.entries[0] ?? {};
  const small = node.known(0);
  if (small && !tensor && !value) return [{ known: relaidKnown(small, 0) ?? small }];
  const shape: readonly Dim[] = tensor?.shape ?? node.input(0).shape;
  const axes = given ? frontAxes(given, shape.length) : shape.flatMap((dim, axis) => (dim === 1 ? [axis] : []));
  if (axes.some((axis) => shape[axis] !== 1)) throw new Error(`[${shape}] has no 1 at every axis of [${axes}]`);
  if (tensor) return [{ tensor: { ...tensor, shape: tensor.shape.filter((_, axis) => !axes.includes(axis)) } }];
  return [squeeze(node.input(0), axes)];
};

const unsqueezed: Emit = (node) => {
  const axes = axesOf(node) ?? [];
  const { tensor, value } = node.entries[0] ?? {};
  const small = node.known(0);
  const known = small && !tensor && !value && relaidKnown(small, small.shape.length + axes.length);
  if (known) return [{ known }];
  if (!tensor) return [unsqueeze(node.input(0), axes)];
  const rank = tensor.shape.length + axes.length;
  const added = new Set(frontAxes(axes, rank));
  const old = [...tensor.shape];
  return [
    { tensor: { ...tensor, shape: Array.from({ length: rank }, (_, i) => (added.has(i) ? 1 : (old.shift() ?? 1))) } },
  ];
};

/** A value [1, …] repeated for every image of the batch: [N, …]. */
export function perImage(node: NodeView, value: Value): Value {
  const { image } = node.around;
  const means = reduceMean(image, [1, 2, 3], false);
  // Never true, so zero for whatever the image holds.
  const zeros = cast(greater(means, means), 'float32');
  return add(reshape(zeros, [-1, ...new Array<number>(value.rank - 1).fill(1)]), value);
}

const expanded: Emit = (node) => {
  const target = node.known(1);
  if (!target)
    throw new Error(`its target shape ("${node.node.inputs[1] ?? ''}") is not known when the graph is built`);
  const wanted = node.around.hooks.target?.(node.node, target.dims) ?? target.dims;
  let x = node.input(0);
  const batch = node.around.image.shape[0];
  if (wanted.length === x.rank && wanted[0] === batch && x.shape[0] === 1) x = perImage(node, x);
  const numbers = wanted.map((dim, i) => {
    const own = x.shape[i - wanted.length + x.rank];
    if (typeof dim === 'number') return i === 0 && typeof own === 'string' && dim === node.around.fixedBatch ? 1 : dim;
    if (dim !== own) throw new Error(`cannot expand [${x.shape}] to [${wanted}]`);
    return 1;
  });
  if (numbers.some((dim) => dim < 0)) throw new Error(`cannot expand [${x.shape}] to [${wanted}]`);
  if (numbers.every((dim, i) => dim === 1 || dim === x.shape[i - numbers.length + x.rank]) && numbers.length <= x.rank)
    return [x];
  return [apply(Expand, x, node.graph.vector(numbers))];
};

const filledLike: Emit = (node) => {
  const target = node.known(0);
  const { value } = node.node.attributes;
  const content = value !== undefined && typeof value === 'object' && 'tensor' in value ? value.tensor : filled([1], 0);
  const length = target && target.dims.length === 1 ? target.dims[0] : undefined;
  if (typeof length === 'number' && length <= 1024 && length >= 0 && content.dtype !== 'float32') {
    return [{ tensor: wholeTensor(content.dtype, [length], new Array<number>(length).fill(Number(content.data[0]))) }];
  }
  const numbers = target && numbersOf(target);
  const count = numbers?.reduce((product, dim) => product * dim, 1);
  if (!numbers || count === undefined || numbers.some((dim) => dim < 0) || count > 2 ** 20) {
    throw new Error('its shape must be known when the graph is built, and of at most a million elements');
  }
  return [{ tensor: wholeTensor(content.dtype, numbers, new Array<number>(count).fill(Number(content.data[0]))) }];
};

const constantOf: Emit = (node) => {
  const { attributes } = node.node;
  const [value, floats] = [attributes.value, attributes.value_floats];
  if (value !== undefined && typeof value === 'object' && 'tensor' in value) return [{ tensor: value.tensor }];
  if (attributes.value_int !== undefined) return [{ tensor: wholeTensor('int64', [], [node.int('value_int', 0)]) }];
  const ints = node.ints('value_ints');
  if (ints) return [{ tensor: wholeTensor('int64', [ints.length], ints) }];
  if (attributes.value_float !== undefined) return [{ tensor: filled([], node.float('value_float', 0)) }];
  if (floats !== undefined && typeof floats === 'object' && 'floats' in floats) {
    return [{ tensor: wholeTensor('float32', [floats.floats.length], floats.floats) }];
  }
  throw new Error('has no value of a kind that is supported');
};

/** Where, on shapes done at once. */
const chosen: Emit = (node) => {
  const [condition, a, b] = [node.known(0), node.known(1), node.known(2)];
  const known = condition && a && b && whereKnown(condition, a, b);
  return [known ? { known } : where(node.input(0), node.input(1), node.input(2))];
};

export const shapeEmitters: Readonly<Record<string, Emit>> = {
  Constant: constantOf,
  ConstantOfShape: filledLike,
  Shape: shapeKnown,
  Size: (node) => [{ known: { dtype: 'int64', shape: [], dims: [dimOf(productOf(node.input(0).shape))] } }],
  Reshape: reshaped,
  Flatten: (node) => [flatten(node.input(0), node.int('axis', 1))],
  Squeeze: squeezed,
  Unsqueeze: unsqueezed,
  Expand: expanded,
  Where: chosen,
};
