import type { DType } from '../../core/tensor.ts';
import type { OpDefinition, Value } from '../graph.ts';
import { dtypeCode, dtypeOfCode } from '../onnx/dtypes.ts';
import { onlyGradient } from './elementwise.ts';

export const Cast: OpDefinition = {
  type: 'Cast',
  infer: (node) => [{ dtype: dtypeOfCode(node.int('to', 0)), shape: node.input(0).shape }],
  gradient(node, dys) {
    const from = node.input(0).dtype;
    return [from === 'float32' || from === 'float64' ? cast(onlyGradient(dys, node), from) : undefined];
  },
};

/** x with another element type; floats are cut towards zero on the way to integers. */
export function cast(x: Value, to: DType): Value {
  return x.dtype === to ? x : x.graph.add(Cast, [x], { to: dtypeCode(to) })[0];
}
