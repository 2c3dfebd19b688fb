// Layers of imported models: convolutions, dense layers, normalisations, pools, resizing.
import { float } from '../attributes.ts';
import type { Dim, Value } from '../graph.ts';
import { add } from '../ops/add.ts';
import { AveragePool } from '../ops/average-pool.ts';
import { batchNorm } from '../ops/batch-normalization.ts';
import { Conv } from '../ops/conv.ts';
import { div } from '../ops/div.ts';
import { scalarLike } from '../ops/elementwise.ts';
import { Gemm } from '../ops/gemm.ts';
import { globalAveragePool } from '../ops/global-average-pool.ts';
import { lrn } from '../ops/lrn.ts';
import { matMul } from '../ops/mat-mul.ts';
import { MaxPool } from '../ops/max-pool.ts';
import { mul } from '../ops/mul.ts';
import { reduceMax } from '../ops/reduce-max.ts';
import { reduceMean } from '../ops/reduce-mean.ts';
import { reshape } from '../ops/reshape.ts';
import { sqrt } from '../ops/sqrt.ts';
import { sub } from '../ops/sub.ts';
import { ceilAttributes, type Pair, type Windows } from '../ops/windows.ts';
import { normalizeAxis } from '../shapes.ts';
import { resized } from './emit-resize.ts';
import type { Emit, NodeView } from './view.ts';

/** strides, dilations, pads and auto_pad of a window op, as far as the file gives them. */
function windowAttributesOf(node: NodeView): Record<string, readonly number[] | string> {
  const attributes: Record<string, readonly number[] | string> = {};
  for (const name of ['strides', 'dilations']) {
    const pair = node.ints(name);
    if (!pair) continue;
    if (pair.length !== 2 || pair.some((step) => step < 1))
      throw new Error(`${name} [${pair}] are not two whole numbers`);
    attributes[name] = pair;
  }
  const auto = node.string('auto_pad', 'NOTSET');
  const pads = node.ints('pads');
  if (pads?.some((pad) => pad < 0 || pad > 1e6)) throw new Error(`pads [${pads}] are out of range`);
  if (auto === 'NOTSET' || auto === '') {
    if (pads) attributes.pads = pads;
  } else if (auto !== 'VALID') attributes.auto_pad = auto;
  return attributes;
}

const convolution: Emit = (node) => {
  const x = node.input(0);
  const w = node.parameter(1, 'weight');
  const bias = node.has(2) ? [node.parameter(2, 'bias')] : [];
  const group = node.int('group', 1);
  if (group < 1) throw new Error(`group is ${group}`);
  return node.graph.add(Conv, [x, w, ...bias], { ...windowAttributesOf(node), group });
};

function kernelOf(node: NodeView): Pair {
  const kernel = node.ints('kernel_shape') ?? [];
  if (kernel.length !== 2 || kernel.some((side) => side < 1)) {
    throw new Error(
      `kernel_shape [${kernel}] is not two whole numbers: only pools over height and width are supported`,
    );
  }
  return [kernel[0], kernel[1]];
}

/** Ceil mode is written as ONNX Runtime and its shape rule agree on. */
function poolAttributes(
  node: NodeView,
  x: Value,
  paddingCounts: boolean,
): Record<string, number | string | readonly number[]> {
  const kernel = kernelOf(node);
  const attributes = { kernel_shape: kernel, ...windowAttributesOf(node) };
  if (node.int('ceil_mode', 0) !== 1) return attributes;
  const pair = (name: string): Pair => {
    const given = node.ints(name);
    return given ? [given[0], given[1]] : [1, 1];
  };
  const pads = node.ints('pads') ?? [0, 0, 0, 0];
  const windows: Windows = {
    kernel,
    strides: pair('strides'),
    dilations: pair('dilations'),
    pads: [pads[0], pads[1], pads[2], pads[3]],
    ceilMode: true,
  };
  return { ...attributes, ...ceilAttributes(x, windows, paddingCounts) };
}

const maxPooled: Emit = (node) => {
  const x = node.input(0);
  if (node.int('storage_order', 0) !== 0) throw new Error('storage_order 1 is not supported');
  return node.graph.add(MaxPool, [x], poolAttributes(node, x, false));
};

const averagePooled: Emit = (node) => {
  const x = node.input(0);
  if (node.ints('dilations')?.some((step) => step !== 1)) throw new Error('dilations are not supported');
  const counts = node.int('count_include_pad', 0) === 1 && (node.ints('pads') ?? []).some((pad) => pad > 0);
  return node.graph.add(AveragePool, [x], { ...poolAttributes(node, x, counts), count_include_pad: counts ? 1 : 0 });
};

const dense: Emit = (node) => {
  const a = node.input(0);
  const b = node.parameter(1, 'weight');
  const beta = node.float('beta', 1);
  let c = node.has(2) && beta !== 0 ? node.parameter(2, 'bias') : undefined;
  if (c && beta !== 1) c = mul(c, scalarLike(c, beta));
  const alpha = node.float('alpha', 1);
  return node.graph.add(Gemm, c ? [a, b, c] : [a, b], {
    transA: node.int('transA', 0),
    transB: node.int('transB', 0),
    ...(alpha === 1 ? {} : { alpha: float(alpha) }),
  });
};

const product: Emit = (node) => {
  const side = (i: number) => (node.tensor(i)?.shape.length === 2 ? node.parameter(i, 'weight') : node.input(i));
  return [matMul(side(0), side(1))];
};

const normalizedByBatch: Emit = (node) => {
  if (node.opset < 9 && node.int('spatial', 1) !== 1) throw new Error('spatial = 0 is not supported');
  const x = node.input(0);
  const epsilon = node.float('epsilon', 1e-5);
  const [scale, bias, mean, variance] = [1, 2, 3, 4].map((i) => node.tensor(i));
  const hook = node.around.hooks.batchNorm;
  if (!hook || !scale || !bias || !mean || !variance) {
    return [batchNorm(x, node.input(1), node.input(2), node.input(3), node.input(4), epsilon)];
  }
  const momentum = Math.min(1, Math.max(0, 1 - node.float('momentum', 0.9)));
  return [hook(node.node, x, { scale, bias, mean, variance, epsilon, momentum })];
};

/** (x − mean) / √(variance + epsilon) over `axes`. */
function standardized(x: Value, axes: readonly number[], epsilon: number): Value {
  const centred = sub(x, reduceMean(x, axes, true));
  const variance = reduceMean(mul(centred, centred), axes, true);
  return div(centred, sqrt(add(variance, scalarLike(x, epsilon))));
}

const normalizedByLayer: Emit = (node) => {
  const x = node.input(0);
  const first = normalizeAxis(node.int('axis', -1), x.rank);
  const axes = x.shape.map((_, axis) => axis).slice(first);
  const scaled = mul(standardized(x, axes, node.float('epsilon', 1e-5)), node.parameter(1, 'weight'));
  return [node.has(2) ? add(scaled, node.parameter(2, 'bias')) : scaled];
};

const normalizedByInstance: Emit = (node) => {
  const x = node.input(0);
  const axes = x.shape.map((_, axis) => axis).slice(2);
  const channels = [1, -1, ...axes.map(() => 1)];
  const scaled = mul(
    standardized(x, axes, node.float('epsilon', 1e-5)),
    reshape(node.parameter(1, 'weight'), channels),
  );
  return [add(scaled, reshape(node.parameter(2, 'bias'), channels))];
};

const pixelAxes = (shape: readonly Dim[]): number[] => shape.map((_, axis) => axis).slice(2);

const responseNormalized: Emit = (node) => {
  const size = node.int('size', 0);
  if (size < 1) throw new Error(`size is ${size}`);
  const [alpha, beta, bias] = [node.float('alpha', 1e-4), node.float('beta', 0.75), node.float('bias', 1)];
  return [lrn(node.input(0), { size, alpha, beta, bias })];
};

export const layerEmitters: Readonly<Record<string, Emit>> = {
  Conv: convolution,
  Gemm: dense,
  MatMul: product,
  MaxPool: maxPooled,
  AveragePool: averagePooled,
  GlobalAveragePool: (node) => [globalAveragePool(node.input(0))],
  GlobalMaxPool: (node) => [reduceMax(node.input(0), pixelAxes(node.input(0).shape), true)],
  BatchNormalization: normalizedByBatch,
  LayerNormalization: normalizedByLayer,
  InstanceNormalization: normalizedByInstance,
  LRN: responseNormalized,
  Resize: resized,
  Upsample: resized,
};
