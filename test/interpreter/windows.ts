// Reference definitions of convolutions and pools over two spatial dimensions.
import type { Node } from '../../src/graph/graph.ts';
import { at, build, eachIndex, flatIndex, type Kernel, need, zeros } from './array.ts';

interface Geometry {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** top, left, bottom, right */
  readonly pads: readonly number[];
  readonly out: readonly number[];
}

function geometry(node: Node, size: readonly number[], kernel: readonly number[]): Geometry {
  const strides = node.ints('strides') ?? [1, 1];
  const dilations = node.ints('dilations') ?? [1, 1];
  const reach = [0, 1].map((i) => (kernel[i] - 1) * dilations[i] + 1);
  const mode = node.string('auto_pad', 'NOTSET');
  let pads = node.ints('pads') ?? [0, 0, 0, 0];
  if (mode.startsWith('SAME')) {
    const total = [0, 1].map((i) =>
      Math.max(0, (Math.ceil(size[i] / strides[i]) - 1) * strides[i] + reach[i] - size[i]),
    );
    const half = total.map((sum) => (mode === 'SAME_UPPER' ? Math.floor(sum / 2) : Math.ceil(sum / 2)));
    pads = [half[0], half[1], total[0] - half[0], total[1] - half[1]];
  }
  const out = [0, 1].map((i) => {
    const steps = (size[i] + pads[i] + pads[i + 2] - reach[i]) / strides[i];
    if (!node.int('ceil_mode', 0)) return Math.floor(steps) + 1;
    const count = Math.ceil(steps) + 1;
    return (count - 1) * strides[i] >= size[i] + pads[i] ? count - 1 : count;
  });
  return { kernel, strides, dilations, pads, out };
}

/** Calls `visit` with the position of every kernel element of the window at (oy, ox), inside the image or not. */
function eachTap(
  { kernel, strides, dilations, pads }: Geometry,
  oy: number,
  ox: number,
  visit: (y: number, x: number, ky: number, kx: number) => void,
): void {
  for (let ky = 0; ky < kernel[0]; ky++) {
    for (let kx = 0; kx < kernel[1]; kx++) {
      visit(oy * strides[0] + ky * dilations[0] - pads[0], ox * strides[1] + kx * dilations[1] - pads[1], ky, kx);
    }
  }
}

const conv: Kernel = ([xIn, wIn, bias], node) => {
  const [x, w] = [need(xIn), need(wIn)];
  const [batch, , height, width] = x.shape;
  const [outputs, perGroup, ...kernel] = w.shape;
  const g = geometry(node, [height, width], kernel);
  const outputsPerGroup = outputs / node.int('group', 1);
  return [
    build([batch, outputs, ...g.out], ([n, o, oy, ox]) => {
      const first = Math.floor(o / outputsPerGroup) * perGroup;
      let sum = bias ? bias.data[o] : 0;
      eachTap(g, oy, ox, (y, xx, ky, kx) => {
        if (y < 0 || y >= height || xx < 0 || xx >= width) return;
        for (let c = 0; c < perGroup; c++) sum += at(x, [n, first + c, y, xx]) * at(w, [o, c, ky, kx]);
      });
      return sum;
    }),
  ];
};

const convTranspose: Kernel = ([xIn, wIn, bias], node) => {
  const [x, w] = [need(xIn), need(wIn)];
  const [batch, channels, height, width] = x.shape;
  const [, perGroup, ...kernel] = w.shape;
  const group = node.int('group', 1);
  const strides = node.ints('strides') ?? [1, 1];
  const dilations = node.ints('dilations') ?? [1, 1];
  const pads = node.ints('pads') ?? [0, 0, 0, 0];
  const extra = node.ints('output_padding') ?? [0, 0];
  const [outHeight, outWidth] = [0, 1].map(
    (i) =>
      strides[i] * ([height, width][i] - 1) + extra[i] + (kernel[i] - 1) * dilations[i] + 1 - pads[i] - pads[i + 2],
  );
  const result = zeros([batch, perGroup * group, outHeight, outWidth]);
  eachIndex(x.shape, ([n, c, y, xx], flat) => {
    const first = Math.floor(c / (channels / group)) * perGroup;
    for (let ky = 0; ky < kernel[0]; ky++) {
      for (let kx = 0; kx < kernel[1]; kx++) {
        const oy = y * strides[0] + ky * dilations[0] - pads[0];
        const ox = xx * strides[1] + kx * dilations[1] - pads[1];
        if (oy < 0 || oy >= outHeight || ox < 0 || ox >= outWidth) continue;
        for (let o = 0; o < perGroup; o++) {
          result.data[flatIndex(result.shape, [n, first + o, oy, ox])] += x.data[flat] * at(w, [c, o, ky, kx]);
        }
      }
    }
  });
  if (bias) {
    eachIndex(result.shape, ([, o], flat) => {
      result.data[flat] += bias.data[o];
    });
  }
  return [result];
};

/** Second result: position of each winner in the flattened input; the first in row-major order where several tie. */
const maxPool: Kernel = ([xIn], node) => {
  const x = need(xIn);
  const [batch, channels, height, width] = x.shape;
  const g = geometry(node, [height, width], node.ints('kernel_shape') ?? []);
  const best = zeros([batch, channels, ...g.out]);
  const winners = zeros(best.shape);
  eachIndex(best.shape, ([n, c, oy, ox], flat) => {
    best.data[flat] = -Infinity;
    eachTap(g, oy, ox, (y, xx) => {
      if (y < 0 || y >= height || xx < 0 || xx >= width) return;
      const from = flatIndex(x.shape, [n, c, y, xx]);
      if (x.data[from] <= best.data[flat]) return;
      best.data[flat] = x.data[from];
      winners.data[flat] = from;
    });
  });
  return [best, winners];
};

/** With count_include_pad the divisor counts the padding, but not what a ceil-mode window covers beyond it. */
const averagePool: Kernel = ([xIn], node) => {
  const x = need(xIn);
  const [batch, channels, height, width] = x.shape;
  const g = geometry(node, [height, width], node.ints('kernel_shape') ?? []);
  const includePad = node.int('count_include_pad', 0) === 1;
  return [
    build([batch, channels, ...g.out], ([n, c, oy, ox]) => {
      let sum = 0;
      let count = 0;
      eachTap(g, oy, ox, (y, xx) => {
        if (y >= 0 && y < height && xx >= 0 && xx < width) {
          sum += at(x, [n, c, y, xx]);
          count++;
        } else if (includePad && y < height + g.pads[2] && xx < width + g.pads[3]) {
          count++;
        }
      });
      return sum / count;
    }),
  ];
};

const globalAveragePool: Kernel = ([xIn]) => {
  const x = need(xIn);
  const [batch, channels, ...spatial] = x.shape;
  const result = zeros([batch, channels, ...spatial.map(() => 1)]);
  const pixels = spatial.reduce((product, dim) => product * dim, 1);
  x.data.forEach((value, flat) => {
    result.data[Math.floor(flat / pixels)] += value / pixels;
  });
  return [result];
};

export const windows: Record<string, Kernel> = {
  Conv: conv,
  ConvTranspose: convTranspose,
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalAveragePool: globalAveragePool,
};
