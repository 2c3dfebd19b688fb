// Reference definitions of the ops that move elements without computing with them.
import {
  at,
  axisOf,
  broadcastAt,
  broadcastShape,
  build,
  countOf,
  type Kernel,
  need,
  numbers,
  replaced,
} from './array.ts';

const reshape: Kernel = ([xIn, target]) => {
  const x = need(xIn);
  const wanted = need(target).data;
  const shape = Array.from(wanted, (dim, axis) => (dim === 0 ? x.shape[axis] : dim));
  const hole = shape.indexOf(-1);
  if (hole >= 0) shape[hole] = x.data.length / countOf(shape.filter((_, axis) => axis !== hole));
  if (countOf(shape) !== x.data.length) throw new Error(`cannot reshape [${x.shape}] to [${shape}]`);
  return [{ shape, data: x.data }];
};

const flatten: Kernel = ([xIn], node) => {
  const x = need(xIn);
  const axis = axisOf(node.int('axis', 1), x.shape.length);
  return [{ shape: [countOf(x.shape.slice(0, axis)), countOf(x.shape.slice(axis))], data: x.data }];
};

const squeeze: Kernel = ([xIn, axesIn]) => {
  const x = need(xIn);
  const axes = numbers(axesIn)?.map((axis) => axisOf(axis, x.shape.length));
  return [{ shape: x.shape.filter((dim, axis) => (axes ? !axes.includes(axis) : dim !== 1)), data: x.data }];
};

const unsqueeze: Kernel = ([xIn, axesIn]) => {
  const x = need(xIn);
  const given = numbers(need(axesIn)) ?? [];
  const rank = x.shape.length + given.length;
  const axes = given.map((axis) => axisOf(axis, rank)).sort((a, b) => a - b);
  const shape = [...x.shape];
  for (const axis of axes) shape.splice(axis, 0, 1);
  return [{ shape, data: x.data }];
};

const transpose: Kernel = ([xIn], node) => {
  const x = need(xIn);
  const order = node.ints('perm') ?? x.shape.map((_, axis) => axis).reverse();
  const result = build(
    order.map((axis) => x.shape[axis]),
    (index) => {
      const source = x.shape.map(() => 0);
      order.forEach((axis, i) => {
        source[axis] = index[i];
      });
      return at(x, source);
    },
  );
  return [result];
};

const concat: Kernel = (inputs, node) => {
  const arrays = inputs.map(need);
  const axis = axisOf(node.int('axis', 0), arrays[0].shape.length);
  const total = arrays.reduce((sum, array) => sum + array.shape[axis], 0);
  return [
    build(replaced(arrays[0].shape, axis, total), (index) => {
      let place = index[axis];
      for (const array of arrays) {
        if (place < array.shape[axis]) return at(array, replaced(index, axis, place));
        place -= array.shape[axis];
      }
      throw new Error('an index is outside all inputs of a Concat');
    }),
  ];
};

const split: Kernel = ([xIn, sizesIn], node) => {
  const x = need(xIn);
  const axis = axisOf(node.int('axis', 0), x.shape.length);
  const parts = node.int('num_outputs', 0);
  const chunk = Math.ceil(x.shape[axis] / parts);
  const even = Array.from({ length: parts }, (_, i) => Math.min(chunk, x.shape[axis] - i * chunk));
  let start = 0;
  return (numbers(sizesIn) ?? even).map((size) => {
    const from = start;
    start += size;
    return build(replaced(x.shape, axis, size), (index) => at(x, replaced(index, axis, index[axis] + from)));
  });
};

const slice: Kernel = ([xIn, startsIn, endsIn, axesIn, stepsIn]) => {
  const x = need(xIn);
  const starts = numbers(need(startsIn)) ?? [];
  const ends = numbers(need(endsIn)) ?? [];
  const axes = numbers(axesIn) ?? starts.map((_, i) => i);
  const steps = numbers(stepsIn) ?? starts.map(() => 1);
  // For each axis, the positions that are kept.
  const kept = x.shape.map((dim) => Array.from({ length: dim }, (_, i) => i));
  axes.forEach((given, i) => {
    const axis = axisOf(given, x.shape.length);
    const dim = x.shape[axis];
    const step = steps[i];
    let start = starts[i] < 0 ? starts[i] + dim : starts[i];
    let end = ends[i] < 0 ? ends[i] + dim : ends[i];
    start = Math.min(Math.max(start, 0), step > 0 ? dim : dim - 1);
    end = step > 0 ? Math.min(Math.max(end, 0), dim) : Math.min(Math.max(end, -1), dim - 1);
    kept[axis] = [];
    for (let place = start; step > 0 ? place < end : place > end; place += step) kept[axis].push(place);
  });
  const shape = kept.map((places) => places.length);
  return [
    build(shape, (index) =>
      at(
        x,
        index.map((place, axis) => kept[axis][place]),
      ),
    ),
  ];
};

const pad: Kernel = ([xIn, padsIn, value], node) => {
  const x = need(xIn);
  const rank = x.shape.length;
  const pads = numbers(need(padsIn)) ?? [];
  const fill = value?.data[0] ?? 0;
  const mode = node.string('mode', 'constant');
  const shape = x.shape.map((dim, axis) => dim + pads[axis] + pads[axis + rank]);
  return [
    build(shape, (index) => {
      const source = index.map((place, axis) => {
        const at = place - pads[axis];
        const last = x.shape[axis] - 1;
        if (mode === 'edge') return Math.min(Math.max(at, 0), last);
        if (mode === 'reflect') return at < 0 ? -at : at > last ? 2 * last - at : at;
        return at;
      });
      return source.every((place, axis) => place >= 0 && place < x.shape[axis]) ? at(x, source) : fill;
    }),
  ];
};

const expand: Kernel = ([xIn, target]) => {
  const x = need(xIn);
  const shape = broadcastShape(x.shape, numbers(need(target)) ?? []);
  return [build(shape, (index) => broadcastAt(x, index))];
};

const shapeOf: Kernel = ([x]) => {
  const { shape } = need(x);
  return [{ shape: [shape.length], data: Float64Array.from(shape) }];
};

const size: Kernel = ([x]) => [{ shape: [], data: Float64Array.of(need(x).data.length) }];

const constantOfShape: Kernel = ([target], node) => {
  const { value } = node.attributes;
  const content = typeof value === 'object' && 'tensor' in value ? Number(value.tensor.data[0]) : 0;
  return [build(numbers(need(target)) ?? [], () => content)];
};

export const shapeOps: Record<string, Kernel> = {
  Reshape: reshape,
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
  Concat: concat,
  Split: split,
  Slice: slice,
  Pad: pad,
  Expand: expand,
  Shape: shapeOf,
  Size: size,
  ConstantOfShape: constantOfShape,
};
