import { type OpDefinition, Value, type ValueType } from '../graph.ts';
import { fullLike } from './constant-of-shape.ts';
import { onlyGradient } from './elementwise.ts';
import { comparable, comparedGradient } from './max-pool-gradient.ts';
import { reshape, reshapeLike } from './reshape.ts';
import { scatterElements } from './scatter-elements.ts';
import {
  ceilAttributes,
  type Pair,
  type WindowOptions,
  windowAttributes,
  windowGeometry,
  windowShape,
  windowsOf,
} from './windows.ts';

export const MaxPool: OpDefinition = {
  type: 'MaxPool',
  infer(node) {
    const x = node.input(0);
    const [kh, kw] = node.ints('kernel_shape') ?? [1, 1];
    return [{ dtype: x.dtype, shape: windowShape(x, x.shape[1], windowsOf(node, [kh, kw])) }];
  },
  gradient(node, dys) {
    const dy = onlyGradient(dys, node);
    const x = node.input(0);
    const [kh, kw] = node.ints('kernel_shape') ?? [1, 1];
    const windows = windowsOf(node, [kh, kw]);
    if (comparable(x, windows)) return [comparedGradient(x, dy, windows)];
    // MaxPool's second output names the winner of each window; their gradients are added up where windows overlap.
    if (node.outputs.length < 2) {
      const type: ValueType = { dtype: 'int64', shape: dy.shape };
      node.outputs.push(new Value(node.graph, node.graph.uniqueName(`${node.name}:indices`), type, { producer: node }));
    }
    const flat = (value: Value) => reshape(value, [-1]);
    const zeros = fullLike(x, 0);
    return [reshapeLike(scatterElements(flat(zeros), flat(node.outputs[1]), flat(dy), 0, 'add'), x)];
  },
};

/** Largest value of each window; padding never wins. */
export function maxPool(x: Value, kernel: Pair | number, options: WindowOptions = {}): Value {
  const kernelShape: [number, number] = typeof kernel === 'number' ? [kernel, kernel] : [...kernel];
  return x.graph.add(MaxPool, [x], {
    kernel_shape: kernelShape,
    ...windowAttributes(options),
    ...(options.ceilMode ? ceilAttributes(x, windowGeometry(kernelShape, options), false) : {}),
  })[0];
}
