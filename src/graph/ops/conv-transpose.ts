import type { OpDefinition, Value } from '../graph.ts';
import { staticShape } from '../shapes.ts';
import { type Pair, type WindowOptions, windowAttributes } from './windows.ts';

export const ConvTranspose: OpDefinition = {
  type: 'ConvTranspose',
  infer(node) {
    const [x, w] = [node.input(0), node.input(1)];
    const [, outputs, kh, kw] = staticShape(w.shape, 'the shape of a convolution weight');
    const [strides, dilations] = [node.ints('strides') ?? [1, 1], node.ints('dilations') ?? [1, 1]];
    const pads = node.ints('pads') ?? [0, 0, 0, 0];
    const extra = node.ints('output_padding') ?? [0, 0];
    const side = (i: 0 | 1, kernel: number) => {
      const size = x.shape[2 + i];
      if (typeof size !== 'number') return node.graph.freshDim();
      return (size - 1) * strides[i] + (kernel - 1) * dilations[i] + 1 + extra[i] - pads[i] - pads[i + 2];
    };
    return [{ dtype: x.dtype, shape: [x.shape[0], outputs * node.int('group', 1), side(0, kh), side(1, kw)] }];
  },
};

export interface ConvTransposeOptions extends WindowOptions {
  readonly group?: number;
  /** Rows and columns added at the end of the result. */
  readonly outputPadding?: Pair;
}

/** Transposed convolution of x [N, C, H, W] with w [C, O/group, kh, kw]: the adjoint of `conv` with the same options. */
export function convTranspose(x: Value, w: Value, options: ConvTransposeOptions = {}): Value {
  return x.graph.add(ConvTranspose, [x, w], {
    ...windowAttributes(options),
    group: options.group ?? 1,
    output_padding: [...(options.outputPadding ?? [0, 0])],
  })[0];
}
