// A network without numbers: its graphs are emitted for their shapes alone, and nothing is loaded or computed.
import { sizeOf, type Tensor, tensor } from '../core/tensor.ts';
import { memorySource } from '../data/dataset.ts';
import { describeArchitecture, type Origin } from '../models/architecture.ts';
import type { FreezePolicy } from '../models/freeze.ts';
import type { ModelDefinition } from '../models/registry.ts';
import type { Stem } from '../models/state.ts';
import { createNetwork, type Network } from './network.ts';

export interface EmptyNetworkOptions {
  readonly model: ModelDefinition;
  readonly freeze: FreezePolicy;
  readonly classes: number;
  /** Side of the images in pixels, which are fed at that size. */
  readonly inputSize: number;
  readonly init: Origin;
  readonly stem?: Stem | undefined;
}

/** @throws TriggerlabError (input) when the policy trains nothing. */
export async function emptyNetwork(options: EmptyNetworkOptions): Promise<Network> {
  const { model, freeze, classes, inputSize, init, stem } = options;
  const info = describeArchitecture(model.architecture, inputSize, classes, init);
  const dataset = {
    classes: Array.from({ length: classes }, (_, i) => String(i)),
    train: memorySource({ height: inputSize, width: inputSize, channels: 3 }, new Uint8Array(0), new Uint16Array(0)),
  };
  const start = zeros([...info.parameters, ...info.buffers]);
  return createNetwork({ model, dataset, inputSize, init, freeze, seed: 0, start, stem });
}

/** Stand-ins for a network's numbers, all in one stretch of memory and said to lie in a file, so that nobody works on them. */
function zeros(list: readonly { readonly name: string; readonly shape: readonly number[] }[]): Record<string, Tensor> {
  const data = new Float32Array(Math.max(...list.map(({ shape }) => sizeOf(shape))));
  return Object.fromEntries(
    list.map(({ name, shape }) => {
      const place = { path: 'none', offset: 0, bytes: 4 * sizeOf(shape) };
      return [name, { ...tensor('float32', shape, data.subarray(0, sizeOf(shape))), place }];
    }),
  );
}
