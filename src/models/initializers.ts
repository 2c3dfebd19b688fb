// How parameters start when a network is trained from scratch.
import type { Rng } from '../core/rng.ts';
import { filled, sizeOf, type Tensor, tensor } from '../core/tensor.ts';

/**
 * `uniform`: U(±1/√fanIn), PyTorch's default. He et al. 2015: `kaiming-fan-out`: N(0, 2/(outputs·k²)), as torchvision's ResNet;
 * `kaiming-uniform`: U(±√(6/fanIn)), which keeps activations from shrinking in deep networks without batch norm.
 */
export type Initializer =
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'uniform'; readonly fanIn?: number }
  | { readonly kind: 'kaiming-uniform' }
  | { readonly kind: 'kaiming-fan-out' };

/** Draws a parameter. For `uniform` without `fanIn`, it is the product of all dimensions but the first. */
export function initialize(initializer: Initializer, shape: readonly number[], rng: Rng): Tensor<'float32'> {
  if (initializer.kind === 'constant') return filled(shape, initializer.value);
  const data = new Float32Array(sizeOf(shape));
  if (initializer.kind !== 'kaiming-fan-out') {
    const inputs = sizeOf(shape.slice(1));
    const bound = initializer.kind === 'uniform' ? 1 / Math.sqrt(initializer.fanIn ?? inputs) : Math.sqrt(6 / inputs);
    for (let i = 0; i < data.length; i++) data[i] = (2 * rng.uniform() - 1) * bound;
  } else {
    const deviation = Math.sqrt(2 / (shape[0] * sizeOf(shape.slice(2))));
    for (let i = 0; i < data.length; i++) data[i] = rng.normal() * deviation;
  }
  return tensor('float32', shape, data);
}
