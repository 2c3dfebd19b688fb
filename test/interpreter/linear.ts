// Reference definitions of matrix products, normalisations and Resize.
import type { Node } from '../../src/graph/graph.ts';
import { at, axisOf, broadcastAt, broadcastShape, build, type Kernel, type NdArray, need, replaced } from './array.ts';

const matMul: Kernel = ([aIn, bIn]) => {
  const [a, b] = [need(aIn), need(bIn)];
  const [rows, inner] = a.shape.slice(-2);
  const columns = b.shape[b.shape.length - 1];
  const batch = broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  // Index of the matrix within an operand for an index of the broadcast batch.
  const own = (array: NdArray, index: readonly number[]) => {
    const dims = array.shape.slice(0, -2);
    return dims.map((dim, axis) => (dim === 1 ? 0 : index[axis + batch.length - dims.length]));
  };
  return [
    build([...batch, rows, columns], (index) => {
      const [row, column] = index.slice(-2);
      let sum = 0;
      for (let k = 0; k < inner; k++) sum += at(a, [...own(a, index), row, k]) * at(b, [...own(b, index), k, column]);
      return sum;
    }),
  ];
};

const gemm: Kernel = ([aIn, bIn, c], node) => {
  const [a, b] = [need(aIn), need(bIn)];
  const [transA, transB] = [node.int('transA', 0) === 1, node.int('transB', 0) === 1];
  const [alpha, beta] = [node.float('alpha', 1), node.float('beta', 1)];
  const [rows, inner] = transA ? [a.shape[1], a.shape[0]] : a.shape;
  const columns = transB ? b.shape[0] : b.shape[1];
  return [
    build([rows, columns], (index) => {
      const [row, column] = index;
      let sum = 0;
      for (let k = 0; k < inner; k++) {
        sum += at(a, transA ? [k, row] : [row, k]) * at(b, transB ? [column, k] : [k, column]);
      }
      return alpha * sum + (c ? beta * broadcastAt(c, index) : 0);
    }),
  ];
};

const batchNormalization: Kernel = ([xIn, scale, bias, mean, variance], node) => {
  const x = need(xIn);
  const parameters = [scale, bias, mean, variance].map((array) => need(array).data);
  return [
    build(x.shape, (index) => {
      const [gamma, beta, mu, sigma2] = parameters.map((values) => values[index[1]]);
      return (gamma * (at(x, index) - mu)) / Math.sqrt(sigma2 + node.float('epsilon', 1e-5)) + beta;
    }),
  ];
};

const lrn: Kernel = ([xIn], node) => {
  const x = need(xIn);
  const size = node.int('size', 0);
  const [alpha, beta, bias] = [node.float('alpha', 1e-4), node.float('beta', 0.75), node.float('bias', 1)];
  return [
    build(x.shape, (index) => {
      const from = Math.max(0, index[1] - Math.floor((size - 1) / 2));
      const to = Math.min(x.shape[1] - 1, index[1] + Math.ceil((size - 1) / 2));
      let squares = 0;
      for (let c = from; c <= to; c++) squares += at(x, replaced(index, 1, c)) ** 2;
      return at(x, index) / (bias + (alpha / size) * squares) ** beta;
    }),
  ];
};

/**
 * Where output position i of `to` lies among `from` input positions. In float32, as ONNX Runtime computes it: the last bit
 * decides which pixel `nearest` picks.
 */
function source(node: Node, i: number, from: number, to: number, scale: number): number {
  const mode = node.string('coordinate_transformation_mode', 'half_pixel');
  if (mode === 'pytorch_half_pixel' && to === 1) return 0;
  if (mode.endsWith('half_pixel')) return Math.fround(Math.fround((i + 0.5) / scale) - 0.5);
  if (mode === 'asymmetric') return Math.fround(i / scale);
  if (mode === 'align_corners') return to === 1 ? 0 : (i * (from - 1)) / (to - 1);
  throw new Error(`unknown coordinate mode ${mode}`);
}

function resizeAxis(x: NdArray, axis: number, to: number, scale: number, node: Node): NdArray {
  const from = x.shape[axis];
  const read = (index: readonly number[], place: number) =>
    at(x, replaced(index, axis, Math.min(Math.max(place, 0), from - 1)));
  return build(replaced(x.shape, axis, to), (index) => {
    const place = source(node, index[axis], from, to, scale);
    if (node.string('mode', 'nearest') === 'nearest') {
      const floor = node.string('nearest_mode', 'round_prefer_floor') === 'floor';
      return read(index, floor ? Math.floor(place) : Math.ceil(place - 0.5));
    }
    const low = Math.floor(place);
    return read(index, low) * (low + 1 - place) + read(index, low + 1) * (place - low);
  });
}

const resize: Kernel = ([xIn, , scales, sizes], node) => {
  let x = need(xIn);
  const axes = node.ints('axes') ?? x.shape.map((_, axis) => axis);
  axes.forEach((given, i) => {
    const axis = axisOf(given, x.shape.length);
    const to = sizes ? sizes.data[i] : Math.floor(Math.fround(x.shape[axis] * need(scales).data[i]));
    const scale = sizes ? Math.fround(to / x.shape[axis]) : need(scales).data[i];
    if (to !== x.shape[axis] || scale !== 1) x = resizeAxis(x, axis, to, scale, node);
  });
  return [x];
};

export const linear: Record<string, Kernel> = {
  MatMul: matMul,
  Gemm: gemm,
  BatchNormalization: batchNormalization,
  LRN: lrn,
  Resize: resize,
};
