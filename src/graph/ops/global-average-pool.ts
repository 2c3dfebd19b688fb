import type { OpDefinition, Value } from '../graph.ts';
import { div } from './div.ts';
import { apply, onlyGradient } from './elementwise.ts';
import { expandLike } from './expand.ts';
import { elementRatio } from './reduction.ts';

export const GlobalAveragePool: OpDefinition = {
  type: 'GlobalAveragePool',
  infer(node) {
    const x = node.input(0);
    return [{ dtype: x.dtype, shape: [x.shape[0], x.shape[1], ...x.shape.slice(2).map(() => 1)] }];
  },
  gradient(node, dys) {
    const dy = onlyGradient(dys, node);
    const x = node.input(0);
    return [expandLike(div(dy, elementRatio(x, dy)), x)];
  },
};

/** Mean over all pixels of each channel: [N, C, H, W] → [N, C, 1, 1]. */
export function globalAveragePool(x: Value): Value {
  return apply(GlobalAveragePool, x);
}
