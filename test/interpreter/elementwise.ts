// Reference definitions of the ops that work element by element, with broadcasting.
import { broadcastAt, broadcastShape, build, type Kernel, need } from './array.ts';

const unary =
  (f: (x: number) => number): Kernel =>
  ([x]) => {
    const { shape, data } = need(x);
    return [{ shape, data: data.map(f) }];
  };

const nary =
  (f: (...values: number[]) => number): Kernel =>
  (inputs) => {
    const arrays = inputs.map(need);
    const shape = broadcastShape(...arrays.map((array) => array.shape));
    return [build(shape, (index) => f(...arrays.map((array) => broadcastAt(array, index))))];
  };

const truth = (f: (a: number, b: number) => boolean): Kernel => nary((a, b) => (f(a, b) ? 1 : 0));

const clip: Kernel = ([x, low, high]) => {
  const { shape, data } = need(x);
  const [from, to] = [low?.data[0] ?? -Infinity, high?.data[0] ?? Infinity];
  return [{ shape, data: data.map((value) => Math.min(Math.max(value, from), to)) }];
};

/** ONNX element types: 1 float, 11 double, 9 bool, 2 uint8, 6 int32, 7 int64. */
const cast: Kernel = ([x], node) => {
  const { shape, data } = need(x);
  const to = node.int('to', 0);
  if (to === 1 || to === 11) return [{ shape, data }];
  if (to === 9) return [{ shape, data: data.map((value) => (value === 0 ? 0 : 1)) }];
  return [{ shape, data: data.map(Math.trunc) }];
};

/** 2/√π e^(−x²) Σ 2ⁿ x^(2n+1) / (1·3·…·(2n+1)), whose terms all have one sign. */
function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; n < 200; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

export const elementwise: Record<string, Kernel> = {
  Abs: unary(Math.abs),
  Neg: unary((x) => -x),
  Sqrt: unary(Math.sqrt),
  Erf: unary(erf),
  Exp: unary(Math.exp),
  Log: unary(Math.log),
  Tanh: unary(Math.tanh),
  Sigmoid: unary((x) => 1 / (1 + Math.exp(-x))),
  Relu: unary((x) => Math.max(x, 0)),
  Sign: unary(Math.sign),
  Identity: unary((x) => x),
  Dropout: ([x]) => [need(x)],
  Add: nary((a, b) => a + b),
  Sub: nary((a, b) => a - b),
  Mul: nary((a, b) => a * b),
  Div: nary((a, b) => a / b),
  Pow: nary((a, b) => a ** b),
  Min: nary(Math.min),
  Max: nary(Math.max),
  And: truth((a, b) => a !== 0 && b !== 0),
  Equal: truth((a, b) => a === b),
  Greater: truth((a, b) => a > b),
  GreaterOrEqual: truth((a, b) => a >= b),
  Less: truth((a, b) => a < b),
  LessOrEqual: truth((a, b) => a <= b),
  Where: nary((condition, a, b) => (condition !== 0 ? a : b)),
  Clip: clip,
  Cast: cast,
};
