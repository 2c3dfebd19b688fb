// Graphs around one inner layer of a network: what it holds for images, and what the network answers when channels of it are silenced.
import { tensor } from '../core/tensor.ts';
import type { ImageSource } from '../data/dataset.ts';
import { copyInto } from '../graph/copy.ts';
import { Graph, type Value } from '../graph/graph.ts';
import { mul } from '../graph/ops/mul.ts';
import { reduceMean } from '../graph/ops/reduce-mean.ts';
import type { Runtime } from '../runtime/node.ts';
import { evaluationBatch, imageFeeds } from '../train/feeds.ts';
import { copyForward, emitForward, type Network } from '../train/network.ts';
import { stateFeeds, type TrainedState } from '../train/predict.ts';
import { chooseLayer, type MapLayer, mapLayers } from './map-layers.ts';

/** A network with its numbers, on a runtime. */
export interface Trained {
  readonly runtime: Runtime;
  readonly network: Network;
  readonly state: TrainedState;
}

/** The layer of that name (as `chooseLayer` takes it) in a forward pass of its own. */
export function layerIn(network: Network, layer?: string): MapLayer & { readonly logits: Value } {
  const forward = emitForward(new Graph(`layers ${network.model.name}`), network, 'evaluate');
  const chosen = chooseLayer(mapLayers(forward, network.model.architecture.head), layer);
  return { ...chosen, logits: forward.logits };
}

/** Mean activation over space of every channel of a layer: float32 [rows, channels], row by row. */
export async function channelMeans(
  { runtime, network, state }: Trained,
  layer: string | undefined,
  source: ImageSource,
  rows: readonly number[],
): Promise<Float32Array> {
  const { value, channels } = layerIn(network, layer);
  const graph = new Graph(`channels ${network.model.name}`);
  graph.output('means', reduceMean(copyInto(graph, [value], new Map())[0], [2, 3], false));
  const means = new Float32Array(rows.length * channels);
  await eachBatch({ runtime, network, state }, graph, source, rows, 'means', (data, at) =>
    means.set(data, at * channels),
  );
  return means;
}

/** The maps of a layer for each of some rows: float32 [channels, height, width]. */
export async function layerMaps(
  { runtime, network, state }: Trained,
  layer: string | undefined,
  source: ImageSource,
  rows: readonly number[],
): Promise<Float32Array[]> {
  const graph = new Graph(`maps ${network.model.name}`);
  graph.output('maps', copyInto(graph, [layerIn(network, layer).value], new Map())[0]);
  const maps: Float32Array[] = [];
  await eachBatch({ runtime, network, state }, graph, source, rows, 'maps', (data, _, count) => {
    const size = data.length / count;
    for (let i = 0; i < count; i++) maps.push(data.slice(i * size, (i + 1) * size));
  });
  return maps;
}

/** A network whose channels of one layer can be silenced. */
export interface Prunable {
  readonly channels: number;
  /** Predicted classes of rows with the channels multiplied by `keep` (0 silences one, 1 leaves it). */
  predict(keep: Float32Array, source: ImageSource, rows: readonly number[]): Promise<Uint16Array>;
}

/** Opens a network for pruning at a layer: which channels are kept is an input of its graph, which is made once. */
export function openPrunable({ runtime, network, state }: Trained, layer: string | undefined): Prunable {
  const { channels } = layerIn(network, layer);
  const graph = new Graph(`pruned ${network.model.name}`);
  const pruned = silenced(network, layer, new Float32Array(channels));
  graph.output('logits', emitForward(graph, pruned, 'evaluate').logits);
  return {
    channels,
    async predict(keep, source, rows) {
      const predicted = new Uint16Array(rows.length);
      const trained = { runtime, network: silenced(network, layer, keep), state };
      await eachBatch(trained, graph, source, rows, 'logits', (data, at, count) => {
        const width = data.length / count;
        for (let i = 0; i < count; i++) {
          const row = data.subarray(i * width, (i + 1) * width);
          predicted[at + i] = row.indexOf(Math.max(...row));
        }
      });
      return predicted;
    },
  };
}

/**
 * The network with the channels of a layer multiplied by `keep`, float32 [channels]: in training as in evaluation. Networks that
 * differ in `keep` alone share their graphs.
 * @throws TriggerlabError (input) for a layer that there is not.
 */
export function silenced(network: Network, layer: string | undefined, keep: Float32Array): Network {
  const { head } = network.model.architecture;
  const shape = [1, keep.length, 1, 1];
  return {
    ...network,
    features: undefined,
    amendment: {
      feeds: { ...network.amendment?.feeds, keep: tensor('float32', shape, keep) },
      emit(forward, target) {
        const { value } = chooseLayer(mapLayers(forward, head), layer);
        const known = new Map<Value, Value>();
        // All of them, so that whoever feeds the network may feed it in full.
        copyInto(target, forward.logits.graph.inputs, known);
        const [maps] = copyInto(target, [value], known);
        known.set(value, mul(maps, target.input('keep', 'float32', shape)));
        return copyForward(target, forward, known);
      },
    },
  };
}

async function eachBatch(
  { runtime, network, state }: Trained,
  graph: Graph,
  source: ImageSource,
  rows: readonly number[],
  output: string,
  visit: (data: Float32Array, at: number, count: number) => void,
): Promise<void> {
  const session = await runtime.open(graph);
  const wanted = new Set(graph.inputs.map(({ name }) => name));
  // A graph that ends at an inner layer takes only the parameters before it.
  const feeds = Object.fromEntries(Object.entries(stateFeeds(network, state)).filter(([name]) => wanted.has(name)));
  const batch = evaluationBatch(network.preprocessing.inputSize);
  for (let at = 0; at < rows.length; at += batch) {
    const some = rows.slice(at, at + batch);
    const images = imageFeeds(source, some, network.preprocessing);
    const { data } = (await session.run({ ...feeds, ...images }))[output];
    visit(data as Float32Array, at, some.length);
  }
}
