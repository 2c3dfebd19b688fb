// How parameters start when a network is trained from scratch.
import type { Rng } from '../core/rng.ts';
import { filled, sizeOf, type Tensor, tensor } from '../core/tensor.ts';

/**
 * `uniform`: U(±1/√fanIn), PyTorch's default. He et al. 2015: `kaiming-fan-out`: N(0, 2/(outputs·k²)), as torchvision's ResNet
 * and VGG; `kaiming-uniform`: U(±√(6/fanIn)), which keeps activations from shrinking in deep networks without batch norm.
 * `normal`: N(0, deviation²), as dense layers of torchvision's VGG and all of its GoogLeNet; `truncated-normal`: the same, drawn
 * again beyond two deviations.
 */
export type Initializer =
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'uniform'; readonly fanIn?: number }
  | { readonly kind: 'kaiming-uniform' }
  | { readonly kind: 'kaiming-fan-out' }
  | { readonly kind: 'normal' | 'truncated-normal'; readonly deviation: number };

/** Draws a parameter. For `uniform` without `fanIn`, it is the product of all dimensions but the first. */
export function initialize(initializer: Initializer, shape: readonly number[], rng: Rng): Tensor<'float32'> {
  if (initializer.kind === 'constant') return filled(shape, initializer.value);
  const data = new Float32Array(sizeOf(shape));
  const next = sampler(initializer, shape, rng);
  for (let i = 0; i < data.length; i++) data[i] = next();
  return tensor('float32', shape, data);
}

type Random = Exclude<Initializer, { kind: 'constant' }>;

function sampler(initializer: Random, shape: readonly number[], rng: Rng): () => number {
  const inputs = sizeOf(shape.slice(1));
  const uniform = (bound: number) => () => (2 * rng.uniform() - 1) * bound;
  const normal = (deviation: number) => () => rng.normal() * deviation;
  switch (initializer.kind) {
    case 'uniform':
      return uniform(1 / Math.sqrt(initializer.fanIn ?? inputs));
    case 'kaiming-uniform':
      return uniform(Math.sqrt(6 / inputs));
    case 'kaiming-fan-out':
      return normal(Math.sqrt(2 / (shape[0] * sizeOf(shape.slice(2)))));
    case 'normal':
      return normal(initializer.deviation);
    case 'truncated-normal':
      return () => {
        let z = rng.normal();
        while (Math.abs(z) > 2) z = rng.normal();
        return z * initializer.deviation;
      };
  }
}
