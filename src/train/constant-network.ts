// A trained network with every number a constant: what examines or exports a classifier and trains none of it.
import type { Tensor } from '../core/tensor.ts';
import type { Value } from '../graph/graph.ts';
import { type LayerContext, Layers } from '../models/layers.ts';
import type { Network } from './network.ts';
import type { TrainedState } from './predict.ts';

/**
 * Logits [N, classes] of normalised images [N, 3, S, S], in evaluation mode, emitted into the images' graph. Constants take the
 * engine's fastest layouts and are folded into each other, which parameters that are fed are not.
 */
export function constantLogits(network: Network, trained: TrainedState, image: Value): Value {
  const { graph } = image;
  const { architecture } = network.model;
  const constant = (name: string): Value => {
    const content: Tensor | undefined = trained[name] ?? network.start[name];
    if (!content) throw new Error(`constantLogits: no value for "${name}"`);
    return graph.constant(content, name);
  };
  const context: LayerContext = {
    graph,
    batchNormMode: 'running',
    parameter: constant,
    buffer: constant,
    updateBuffer() {},
    dropoutMask: () => undefined,
  };
  return architecture.forward(new Layers(context, architecture.convInitializer), image, network).logits;
}
