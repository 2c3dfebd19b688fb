// Elementwise ops of imported models, activations among them, in terms of ours; old operator sets included.
import type { Value } from '../graph.ts';
import { abs } from '../ops/abs.ts';
import { add } from '../ops/add.ts';
import { cast } from '../ops/cast.ts';
import { clip } from '../ops/clip.ts';
import { div } from '../ops/div.ts';
import { apply, scalarLike } from '../ops/elementwise.ts';
import { Erf } from '../ops/erf.ts';
import { exp } from '../ops/exp.ts';
import { flatten } from '../ops/flatten.ts';
import { greater } from '../ops/greater.ts';
import { opDefinition } from '../ops/index.ts';
import { log } from '../ops/log.ts';
import { logSoftmax } from '../ops/log-softmax.ts';
import { max } from '../ops/max.ts';
import { min } from '../ops/min.ts';
import { mul } from '../ops/mul.ts';
import { neg } from '../ops/neg.ts';
import { reshape, reshapeLike } from '../ops/reshape.ts';
import { softmax } from '../ops/softmax.ts';
import { sub } from '../ops/sub.ts';
import { tanh } from '../ops/tanh.ts';
import { where } from '../ops/where.ts';
import { normalizeAxis } from '../shapes.ts';
import { binaryKnown } from './known.ts';
import { importedDtype } from './tensors.ts';
import type { Emit, NodeView } from './view.ts';

/** An op of ours by the same name, without attributes. */
const plain: Emit = (node) => {
  const definition = opDefinition(node.node.op);
  if (!definition) throw new Error(`op ${node.node.op} is not known`);
  return [apply(definition, ...node.node.inputs.map((_, i) => node.input(i)))];
};

const unary =
  (emit: (x: Value, node: NodeView) => Value): Emit =>
  (node) => [emit(node.input(0), node)];

const constant = (x: Value, value: number): Value => scalarLike(x, value);
const positive = (x: Value): Value => greater(x, constant(x, 0));
const scaled = (x: Value, factor: number): Value => (factor === 1 ? x : mul(x, constant(x, factor)));

/** Arithmetic of two values; on shapes it is done at once. Before operator set 7, `axis` aligned the second input. */
const binary: Emit = (node) => {
  const [a, b] = [node.known(0), node.known(1)];
  const known = a && b && binaryKnown(node.node.op, a, b);
  if (known) return [{ known }];
  if (node.opset >= 7 || node.int('broadcast', 0) === 0) return biased(node);
  const [x, y] = [node.input(0), node.input(1)];
  const { axis } = node.node.attributes;
  if (typeof axis !== 'number') return biased(node);
  const behind = x.rank - normalizeAxis(axis, x.rank) - y.rank;
  if (behind <= 0) return biased(node);
  const aligned = reshape(y, [...y.shape.map((dim) => (typeof dim === 'number' ? dim : -1)), ...Array(behind).fill(1)]);
  return [apply(definitionOf(node), x, aligned)];
};

/** A constant added to a matrix product is a dense layer's bias. */
const biased: Emit = (node) => {
  const value = (i: number) => {
    const other = node.entries[1 - i]?.node;
    return node.node.op === 'Add' && other?.op === 'MatMul' ? node.parameter(i, 'bias', other) : node.input(i);
  };
  return [apply(definitionOf(node), value(0), value(1))];
};

function definitionOf(node: NodeView) {
  const definition = opDefinition(node.node.op);
  if (!definition) throw new Error(`op ${node.node.op} is not known`);
  return definition;
}

/** An op of any number of inputs as a chain of the op of two. */
const chain =
  (combine: (a: Value, b: Value) => Value, finish: (sum: Value, count: number) => Value = (sum) => sum): Emit =>
  (node) => {
    const a = node.known(0);
    const b = node.known(1);
    const known = a && b && node.entries.length === 2 && binaryKnown(node.node.op, a, b);
    if (known) return [{ known }];
    const values = node.node.inputs.map((_, i) => node.input(i));
    if (values.length === 0) throw new Error('has no inputs');
    return [finish(values.reduce(combine), values.length)];
  };

const clipped: Emit = (node) => {
  const bound = (i: number, attribute: string): number | undefined => {
    const attributes = node.node.attributes[attribute];
    const value = node.opset >= 11 ? node.scalar(i) : attributes === undefined ? undefined : node.float(attribute, 0);
    // Older files name the largest float32 where they mean no bound.
    return value === undefined || Math.abs(value) > 3.4e38 ? undefined : value;
  };
  const [low, high] = [bound(1, 'min'), bound(2, 'max')];
  return [low === undefined && high === undefined ? node.input(0) : clip(node.input(0), low, high)];
};

/** Before operator set 13, softmax ran over all axes from `axis` on (by default 1). */
const softmaxOf =
  (emit: (x: Value, axis: number) => Value): Emit =>
  (node) => {
    const x = node.input(0);
    if (node.opset >= 13) return [emit(x, node.int('axis', -1))];
    const axis = normalizeAxis(node.int('axis', 1), x.rank);
    if (x.shape.slice(axis + 1).every((dim) => dim === 1)) return [emit(x, axis)];
    return [reshapeLike(emit(flatten(x, axis), 1), x)];
  };

const elu = (x: Value, alpha: number): Value =>
  where(positive(x), x, scaled(sub(exp(min(x, constant(x, 0))), constant(x, 1)), alpha));
const softplus = (x: Value): Value => add(max(x, constant(x, 0)), log(add(constant(x, 1), exp(neg(abs(x))))));
const hardSigmoid = (x: Value, alpha: number, beta: number): Value =>
  clip(add(scaled(x, alpha), constant(x, beta)), 0, 1);

function gelu(x: Value, node: NodeView): Value {
  const half = scaled(x, 0.5);
  if (node.string('approximate', 'none') !== 'tanh') {
    return mul(half, add(constant(x, 1), apply(Erf, scaled(x, Math.SQRT1_2))));
  }
  const inner = mul(x, add(constant(x, 1), scaled(mul(x, x), 0.044715)));
  return mul(half, add(constant(x, 1), tanh(scaled(inner, Math.sqrt(2 / Math.PI)))));
}

const castTo: Emit = (node) => {
  const named = node.node.attributes.to;
  const code = typeof named === 'string' ? OLD_TYPES.indexOf(named) : node.int('to', 0);
  const dtype = importedDtype(code);
  if (!dtype) throw new Error(`a cast to element type ${named} is not supported`);
  const known = node.known(0);
  if (known && (dtype === 'int64' || dtype === 'int32')) return [{ known: { ...known, dtype } }];
  return [cast(node.input(0), dtype)];
};

/** Names of element types in operator sets before 6, by their numbers. */
const OLD_TYPES = [
  '',
  'FLOAT',
  'UINT8',
  'INT8',
  'UINT16',
  'INT16',
  'INT32',
  'INT64',
  'STRING',
  'BOOL',
  'FLOAT16',
  'DOUBLE',
];

const dropped: Emit = (node) => {
  const rate = node.opset >= 12 ? (node.scalar(1) ?? 0.5) : node.float('ratio', 0.5);
  const x = node.input(0);
  const { dropout } = node.around.hooks;
  return [dropout && rate > 0 && rate < 1 ? dropout(node.node, x, rate) : x];
};

export const elementwiseEmitters: Readonly<Record<string, Emit>> = {
  Add: binary,
  Sub: binary,
  Mul: binary,
  Div: binary,
  Pow: binary,
  Equal: binary,
  Greater: binary,
  GreaterOrEqual: binary,
  Less: binary,
  LessOrEqual: binary,
  And: plain,
  Relu: plain,
  Sigmoid: plain,
  Tanh: plain,
  Exp: plain,
  Log: plain,
  Sqrt: plain,
  Neg: plain,
  Abs: plain,
  Sign: plain,
  Erf: plain,
  Identity: (node) => [{ ...node.entries[0] }],
  Sum: chain(add),
  Mean: chain(add, (sum, count) => scaled(sum, 1 / count)),
  Max: chain(max),
  Min: chain(min),
  Clip: clipped,
  Cast: castTo,
  Dropout: dropped,
  Softmax: softmaxOf(softmax),
  LogSoftmax: softmaxOf(logSoftmax),
  Reciprocal: unary((x) => div(constant(x, 1), x)),
  LeakyRelu: unary((x, node) => where(positive(x), x, scaled(x, node.float('alpha', 0.01)))),
  PRelu: (node) => {
    const x = node.input(0);
    return [where(positive(x), x, mul(x, node.input(1)))];
  },
  Elu: unary((x, node) => elu(x, node.float('alpha', 1))),
  Selu: unary((x, node) =>
    scaled(elu(x, node.float('alpha', 1.6732632423543772)), node.float('gamma', 1.0507009873554805)),
  ),
  HardSigmoid: unary((x, node) => hardSigmoid(x, node.float('alpha', 0.2), node.float('beta', 0.5))),
  HardSwish: unary((x) => mul(x, hardSigmoid(x, 1 / 6, 0.5))),
  Softplus: unary(softplus),
  Softsign: unary((x) => div(x, add(constant(x, 1), abs(x)))),
  Mish: unary((x) => mul(x, tanh(softplus(x)))),
  Gelu: unary(gelu),
};
