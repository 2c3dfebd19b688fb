// Sets channels of inner layers to chosen activations and watches the logits.
import { tensor } from '../../core/tensor.ts';
import type { ImageSource } from '../../data/dataset.ts';
import { layerMaps } from '../../explain/layer-graphs.ts';
import { type MapLayer, mapLayers } from '../../explain/map-layers.ts';
import { copyInto } from '../../graph/copy.ts';
import { Graph, type Value } from '../../graph/graph.ts';
import { add } from '../../graph/ops/add.ts';
import { mul } from '../../graph/ops/mul.ts';
import { emitForward, type Network } from '../../train/network.ts';
import { stateFeeds } from '../../train/predict.ts';
import type { DefenseSubject } from '../defense.ts';
import { type Candidate, LEVELS, liftOf } from './candidates.ts';

/** A layer whose channels are stimulated; `logits` belongs to the same forward pass as its maps. */
export type StimulatedLayer = MapLayer & { readonly logits: Value };

const POOLING = new Set(['MaxPool', 'AveragePool', 'GlobalAveragePool']);

/** The layers through which everything passes: of each the last maps before pooling, activations where there are any. */
export function stimulatedLayers(network: Network): StimulatedLayer[] {
  const forward = emitForward(new Graph(`layers ${network.model.name}`), network, 'evaluate');
  const byName = new Map<string, StimulatedLayer>();
  for (const layer of mapLayers(forward, network.model.architecture.head)) {
    if (layer.name === 'image' || POOLING.has(layer.op) || layer.height * layer.width === 1) continue;
    byName.set(layer.name, { ...layer, logits: forward.logits });
  }
  return [...byName.values()];
}

/** Every channel of a layer that lifts a class, on images of `source`; and the largest activation of the layer there. */
export async function liftedBy(
  { runtime, network, trained }: DefenseSubject,
  layer: StimulatedLayer,
  at: number,
  source: ImageSource,
  onChannel: (share: number) => void,
): Promise<{ found: Candidate[]; largest: number; passes: number }> {
  const { channels, height, width } = layer;
  const rows = Array.from({ length: source.count }, (_, row) => row);
  const maps = await layerMaps({ runtime, network, state: trained }, layer.name, source, rows);
  const largest = maps.reduce((most, map) => map.reduce((a, b) => Math.max(a, b), most), 0);
  const count = rows.length * LEVELS.length;
  const repeated = new Float32Array(count * channels * height * width);
  maps.forEach((map, i) => {
    for (let level = 0; level < LEVELS.length; level++) repeated.set(map, (i * LEVELS.length + level) * map.length);
  });
  const graph = new Graph(`stimulated ${network.model.name}`);
  const seen = graph.input('maps', 'float32', ['N', channels, height, width]);
  const keep = graph.input('keep', 'float32', [1, channels, 1, 1]);
  const put = graph.input('put', 'float32', ['N', channels, 1, 1]);
  const known = new Map<Value, Value>([[layer.value, add(mul(seen, keep), put)]]);
  graph.output('logits', copyInto(graph, [layer.logits], known)[0]);
  const session = await runtime.open(graph);
  const wanted = new Set(graph.inputs.map(({ name }) => name));
  const state = Object.fromEntries(Object.entries(stateFeeds(network, trained)).filter(([name]) => wanted.has(name)));
  const found: Candidate[] = [];
  for (let channel = 0; channel < channels; channel++) {
    const kept = new Float32Array(channels).fill(1);
    kept[channel] = 0;
    const added = new Float32Array(count * channels);
    for (let i = 0; i < count; i++) added[i * channels + channel] = LEVELS[i % LEVELS.length] * largest;
    const { logits } = await session.run({
      ...state,
      maps: tensor('float32', [count, channels, height, width], repeated),
      keep: tensor('float32', [1, channels, 1, 1], kept),
      put: tensor('float32', [count, channels, 1, 1], added),
    });
    const lift = liftOf(logits.data as Float32Array, rows.length, network.classes);
    if (lift) found.push({ ...lift, layer: at, channel });
    onChannel((channel + 1) / channels);
  }
  return { found, largest, passes: rows.length + channels * count };
}
