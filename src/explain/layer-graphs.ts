// Graphs around one inner layer of a network: what it holds for images, and what the network answers when channels of it are silenced.
import { tensor } from '../core/tensor.ts';
import type { ImageSource } from '../data/dataset.ts';
import { copyInto } from '../graph/copy.ts';
import { Graph, type Value } from '../graph/graph.ts';
import { mul } from '../graph/ops/mul.ts';
import { reduceMean } from '../graph/ops/reduce-mean.ts';
import type { Runtime } from '../runtime/node.ts';
import { evaluationBatch, imageFeeds } from '../train/feeds.ts';
import { emitForward, type Network } from '../train/network.ts';
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

/** Predicted classes of rows with the channels of a layer multiplied by `keep` (0 silences one, 1 leaves it). */
export async function predictPruned(
  { runtime, network, state }: Trained,
  layer: string | undefined,
  keep: Float32Array,
  source: ImageSource,
  rows: readonly number[],
): Promise<Uint16Array> {
  const { value, channels, logits } = layerIn(network, layer);
  const graph = new Graph(`pruned ${network.model.name}`);
  const known = new Map<Value, Value>();
  const [maps] = copyInto(graph, [value], known);
  known.set(value, mul(maps, graph.input('keep', 'float32', [1, channels, 1, 1])));
  graph.output('logits', copyInto(graph, [logits], known)[0]);
  const predicted = new Uint16Array(rows.length);
  const mask = { keep: tensor('float32', [1, channels, 1, 1], keep) };
  await eachBatch(
    { runtime, network, state },
    graph,
    source,
    rows,
    'logits',
    (data, at, count) => {
      const width = data.length / count;
      for (let i = 0; i < count; i++) {
        const row = data.subarray(i * width, (i + 1) * width);
        predicted[at + i] = row.indexOf(Math.max(...row));
      }
    },
    mask,
  );
  return predicted;
}

async function eachBatch(
  { runtime, network, state }: Trained,
  graph: Graph,
  source: ImageSource,
  rows: readonly number[],
  output: string,
  visit: (data: Float32Array, at: number, count: number) => void,
  more: Readonly<Record<string, ReturnType<typeof tensor>>> = {},
): Promise<void> {
  const session = await runtime.open(graph);
  const wanted = new Set(graph.inputs.map(({ name }) => name));
  // A graph that ends at an inner layer takes only the parameters before it.
  const feeds = Object.fromEntries(Object.entries(stateFeeds(network, state)).filter(([name]) => wanted.has(name)));
  const batch = evaluationBatch(network.preprocessing.inputSize);
  for (let at = 0; at < rows.length; at += batch) {
    const some = rows.slice(at, at + batch);
    const images = imageFeeds(source, some, network.preprocessing);
    const { data } = (await session.run({ ...feeds, ...images, ...more }))[output];
    visit(data as Float32Array, at, some.length);
  }
}
