// A network without numbers: its graphs are emitted for their shapes alone, and nothing is loaded or computed.
import { fileTensor } from '../core/file-tensor.ts';
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
  const tensors = [...info.parameters, ...info.buffers];
  // Said to lie in a file that is not there, so that nobody works on them.
  const start = Object.fromEntries(tensors.map(({ name, shape }) => [name, fileTensor('float32', shape, 'none', 0)]));
  return createNetwork({ model, dataset, inputSize, init, freeze, seed: 0, start, stem });
}
