import type { OpDefinition, Value } from '../graph.ts';
import { staticDim, staticShape } from '../shapes.ts';
import { convTranspose } from './conv-transpose.ts';
import { convWeightGradient } from './conv-weight-gradient.ts';
import { onlyGradient } from './elementwise.ts';
import { reduceSum } from './reduce-sum.ts';
import { reshape } from './reshape.ts';
import { slice } from './slice.ts';
import { transpose } from './transpose.ts';
import { type WindowOptions, type Windows, windowAttributes, windowShape, windowsOf } from './windows.ts';

export const Conv: OpDefinition = {
  type: 'Conv',
  infer(node) {
    const [x, w] = [node.input(0), node.input(1)];
    if (w.rank !== 4) throw new Error(`needs a rank-4 weight (O, I/group, kh, kw), got [${w.shape}]`);
    const group = node.int('group', 1);
    const [outputs, inputs, kh, kw] = staticShape(w.shape, 'the shape of a convolution weight');
    if (typeof x.shape[1] === 'number' && x.shape[1] !== inputs * group) {
      throw new Error(
        `the input has ${x.shape[1]} channels, the weight [${w.shape}] with group ${group} takes ${inputs * group}`,
      );
    }
    if (outputs % group !== 0) throw new Error(`${outputs} outputs do not divide into ${group} groups`);
    return [{ dtype: x.dtype, shape: windowShape(x, outputs, windowsOf(node, [kh, kw])) }];
  },
  gradient(node, dys, needs) {
    const dy = onlyGradient(dys, node);
    const [x, w] = [node.input(0), node.input(1)];
    const group = node.int('group', 1);
    const [, , kh, kw] = staticShape(w.shape, 'the shape of a convolution weight');
    const windows = windowsOf(node, [kh, kw]);
    return [
      needs[0] ? inputGradient(x, w, dy, windows, group) : undefined,
      needs[1] ? convWeightGradient(x, w, dy, windows, group) : undefined,
      needs[2] ? reduceSum(dy, [0, 2, 3], false) : undefined,
    ];
  },
};

/** Stride 1: an ordinary convolution with the kernel turned round, which ONNX Runtime runs fastest; else a ConvTranspose. */
function inputGradient(x: Value, w: Value, dy: Value, windows: Windows, group: number): Value {
  const { kernel, strides, dilations, pads } = windows;
  const reach = [0, 1].map((i) => (kernel[i] - 1) * dilations[i]);
  const back = [0, 1, 2, 3].map((i) => reach[i % 2] - pads[i]) as [number, number, number, number];
  if (strides[0] === 1 && strides[1] === 1 && back.every((pad) => pad >= 0)) {
    return conv(dy, turnedKernel(w, group), undefined, { pads: back, dilations, group });
  }
  const outputPadding = [0, 1].map((i) => {
    const size = staticDim(x.shape[2 + i], 'a spatial dimension of a convolution');
    return (size + pads[i] + pads[i + 2] - reach[i] - 1) % strides[i];
  }) as [number, number];
  return convTranspose(dy, w, { strides, dilations, pads, group, outputPadding });
}

/**
 * The kernel rotated by 180° with inputs and outputs exchanged within each group: [I, O/group, kh, kw]. Of constant weights
 * ONNX Runtime computes it once, when it loads the graph: the model stays small.
 */
function turnedKernel(w: Value, group: number): Value {
  const [outputs, inputs, kh, kw] = staticShape(w.shape, 'the shape of a convolution weight');
  const grouped = reshape(w, [group, outputs / group, inputs, kh, kw]);
  const turned = slice(grouped, [-1, -1], [-(kh + 1), -(kw + 1)], [3, 4], [-1, -1]);
  return reshape(transpose(turned, [0, 2, 1, 3, 4]), [group * inputs, outputs / group, kh, kw]);
}

export interface ConvOptions extends WindowOptions {
  readonly group?: number;
}

/** Convolution of x [N, C, H, W] with w [O, C/group, kh, kw] and bias [O], zero padding. */
export function conv(x: Value, w: Value, bias?: Value, options: ConvOptions = {}): Value {
  return x.graph.add(Conv, bias ? [x, w, bias] : [x, w], {
    ...windowAttributes(options),
    group: options.group ?? 1,
  })[0];
}
