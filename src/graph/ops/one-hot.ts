import { float32 } from '../../core/tensor.ts';
import type { OpDefinition, Value } from '../graph.ts';

export const OneHot: OpDefinition = {
  type: 'OneHot',
  infer(node) {
    const [depth] = node.constantInts(1) ?? [];
    return [{ dtype: node.input(2).dtype, shape: [...node.input(0).shape, depth] }];
  },
};

/** int64 labels [N] as float32 rows [N, classes] with 1 at the label and 0 elsewhere. */
export function oneHot(labels: Value, classes: number): Value {
  const { graph } = labels;
  return graph.add(OneHot, [labels, graph.vector([classes]), graph.constant(float32([2], [0, 1]))], { axis: -1 })[0];
}
