// Reference definitions of the ops that read or write at computed positions.
import { at, axisOf, build, countOf, eachIndex, flatIndex, type Kernel, need, replaced } from './array.ts';

const gather: Kernel = ([xIn, indicesIn], node) => {
  const [x, indices] = [need(xIn), need(indicesIn)];
  const axis = axisOf(node.int('axis', 0), x.shape.length);
  const taken = indices.shape.length;
  return [
    build([...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)], (index) => {
      const row = axisOf(at(indices, index.slice(axis, axis + taken)), x.shape[axis]);
      return at(x, [...index.slice(0, axis), row, ...index.slice(axis + taken)]);
    }),
  ];
};

const written = (before: number, update: number, reduction: string): number =>
  reduction === 'add' ? before + update : update;

const scatterElements: Kernel = ([xIn, indicesIn, updatesIn], node) => {
  const [x, indices, updates] = [need(xIn), need(indicesIn), need(updatesIn)];
  const axis = axisOf(node.int('axis', 0), x.shape.length);
  const data = Float64Array.from(x.data);
  eachIndex(indices.shape, (index, flat) => {
    const row = axisOf(indices.data[flat], x.shape[axis]);
    const to = flatIndex(x.shape, replaced(index, axis, row));
    data[to] = written(data[to], updates.data[flat], node.string('reduction', 'none'));
  });
  return [{ shape: x.shape, data }];
};

const scatterNd: Kernel = ([xIn, indicesIn, updatesIn], node) => {
  const [x, indices, updates] = [need(xIn), need(indicesIn), need(updatesIn)];
  const depth = indices.shape[indices.shape.length - 1];
  const block = countOf(x.shape.slice(depth));
  const data = Float64Array.from(x.data);
  for (let row = 0; row < indices.data.length / depth; row++) {
    const place = Array.from(indices.data.slice(row * depth, (row + 1) * depth), (i, axis) => axisOf(i, x.shape[axis]));
    const to = flatIndex(x.shape.slice(0, depth), place) * block;
    for (let i = 0; i < block; i++) {
      data[to + i] = written(data[to + i], updates.data[row * block + i], node.string('reduction', 'none'));
    }
  }
  return [{ shape: x.shape, data }];
};

const oneHot: Kernel = ([indicesIn, depthIn, valuesIn], node) => {
  const [indices, depth, values] = [need(indicesIn), need(depthIn).data[0], need(valuesIn).data];
  const axis = axisOf(node.int('axis', -1), indices.shape.length + 1);
  return [
    build([...indices.shape.slice(0, axis), depth, ...indices.shape.slice(axis)], (index) => {
      const label = axisOf(at(indices, [...index.slice(0, axis), ...index.slice(axis + 1)]), depth);
      return label === index[axis] ? values[1] : values[0];
    }),
  ];
};

export const indexing: Record<string, Kernel> = {
  Gather: gather,
  ScatterElements: scatterElements,
  ScatterND: scatterNd,
  OneHot: oneHot,
};
