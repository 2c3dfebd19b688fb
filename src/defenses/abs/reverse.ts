// Seeks a trigger that excites one neuron: a mask and a pattern, by gradient, on a few clean images.
import { Rng } from '../../core/rng.ts';
import { type Tensor, tensor } from '../../core/tensor.ts';
import { everyRow, type ImageSource } from '../../data/dataset.ts';
import { normalize } from '../../data/preprocessing.ts';
import { layerMaps } from '../../explain/layer-graphs.ts';
import { mapLayers } from '../../explain/map-layers.ts';
import { gradients } from '../../graph/autodiff.ts';
import { copyInto } from '../../graph/copy.ts';
import { Graph, type Value } from '../../graph/graph.ts';
import { abs } from '../../graph/ops/abs.ts';
import { add } from '../../graph/ops/add.ts';
import { argMax } from '../../graph/ops/arg-max.ts';
import { mul } from '../../graph/ops/mul.ts';
import { reduceMean } from '../../graph/ops/reduce-mean.ts';
import { reduceSum } from '../../graph/ops/reduce-sum.ts';
import { relu } from '../../graph/ops/relu.ts';
import { slice } from '../../graph/ops/slice.ts';
import { sub } from '../../graph/ops/sub.ts';
import { imageFeeds } from '../../train/feeds.ts';
import { emitForward } from '../../train/network.ts';
import { optimizer } from '../../train/optimizers.ts';
import { stateFeeds } from '../../train/predict.ts';
import type { AbsParameters } from '../abs.ts';
import type { DefenseSubject } from '../defense.ts';
import { pixelsOf, squashed, TANH_EPSILON } from '../neural-cleanse/trigger-step.ts';
import type { StimulatedLayer } from './stimulate.ts';

/** What holding the other neurons, and a mask that is too large, weigh beside the neuron's own activation. */
const HOLD = 1;
const EXCESS = 1;

/** A mask and a pattern, float32 [4, S, S] in [0, 1], mask first. */
export interface ReversedTrigger {
  readonly planes: Float32Array;
  /** Sum of the mask, in pixels. */
  readonly norm: number;
}

/** Images under a trigger, at the network's input: x' = (1 − m)·x + m·p. `trigger`: [1, 4, S, S] in [0, 1]. */
function stamped(graph: Graph, { network }: DefenseSubject, trigger: Value): { pixels: Value; image: Value } {
  const mask = slice(trigger, [0], [1], [1]);
  const pattern = slice(trigger, [1], [4], [1]);
  const clean = pixelsOf(graph, network);
  const pixels = add(clean, mul(mask, sub(pattern, clean)));
  return { pixels, image: normalize(pixels, network.preprocessing) };
}

/** Opens the search in a layer: all its channels share a graph. */
export async function openReversal(
  subject: DefenseSubject,
  layer: StimulatedLayer,
  seeds: ImageSource,
  largest: number,
  settings: AbsParameters,
): Promise<(channel: number, checkStop: () => void) => Promise<ReversedTrigger>> {
  const { runtime, network, trained } = subject;
  const { inputSize: side } = network.preprocessing;
  const { channels, height, width } = layer;
  const rows = Array.from(everyRow(seeds));
  const maps = await layerMaps({ runtime, network, state: trained }, layer.name, seeds, rows);
  const held = new Float32Array(rows.length * channels * height * width);
  maps.forEach((map, i) => {
    held.set(map, i * map.length);
  });
  const graph = new Graph(`abs ${network.model.name}`);
  const shape = [1, 4, side, side];
  const theta = graph.input('theta', 'float32', shape);
  const trigger = squashed(theta);
  const { image } = stamped(graph, subject, trigger);
  const forward = emitForward(new Graph('forward'), network, 'evaluate');
  const inner = mapLayers(forward, network.model.architecture.head).findLast(
    ({ name, op }) => name === layer.name && op === layer.op,
  );
  if (!inner) throw new Error(`openReversal: no layer ${layer.name}`);
  const [value] = copyInto(graph, [inner.value], new Map([[forward.image, image]]));
  // 1 for the neuron, 0 for the others.
  const chosen = graph.input('chosen', 'float32', [1, channels, 1, 1]);
  const before = graph.input('held', 'float32', ['N', channels, height, width]);
  const scale = graph.scalar(1 / Math.max(largest, 1e-6));
  const excited = mul(mul(reduceMean(mul(value, chosen), [0, 1, 2, 3], false), graph.scalar(channels)), scale);
  const others = mul(sub(value, before), sub(graph.scalar(1), chosen));
  const moved = mul(reduceMean(abs(others), [0, 1, 2, 3], false), scale);
  const norm = reduceSum(slice(trigger, [0], [1], [1]), [0, 1, 2, 3], false);
  const free = settings.maskShare * side * side;
  const excess = mul(relu(sub(norm, graph.scalar(free))), graph.scalar(1 / free));
  const loss = add(sub(mul(moved, graph.scalar(HOLD)), excited), mul(excess, graph.scalar(EXCESS)));
  const [slope] = gradients(loss, [theta]);
  if (!slope) throw new Error('openReversal: the neuron does not depend on the image');
  const adam = optimizer({ optimizer: 'adam', learningRate: settings.learningRate, momentum: 0, weightDecay: 0 });
  const scalars = Object.fromEntries(adam.scalars.map((name) => [name, graph.input(`scalar/${name}`, 'float32', [])]));
  const slots = Object.fromEntries(adam.slots.map((name) => [name, graph.input(`slot/${name}`, 'float32', shape)]));
  const next = adam.update(theta, slope, slots, scalars);
  graph.output('next/theta', next.parameter);
  for (const name of adam.slots) graph.output(`next/${name}`, next.state[name]);
  const session = await runtime.open(graph);
  const wanted = new Set(graph.inputs.map(({ name }) => name));
  const state = Object.fromEntries(Object.entries(stateFeeds(network, trained)).filter(([name]) => wanted.has(name)));
  const fixed = {
    ...state,
    ...imageFeeds(seeds, rows, { inputSize: side }),
    held: tensor('float32', [rows.length, channels, height, width], held),
  };
  return async (channel, checkStop) => {
    const one = new Float32Array(channels);
    one[channel] = 1;
    const start = startOf(Rng.of(subject.seed, 'abs', layer.name, channel), side, settings.maskShare);
    let moving: Record<string, Tensor> = { theta: tensor('float32', shape, start) };
    for (const name of adam.slots) moving[`slot/${name}`] = tensor('float32', shape, new Float32Array(start.length));
    for (let step = 1; step <= settings.iterations; step++) {
      checkStop();
      const rates = adam.feed(step, settings.learningRate);
      const fed = adam.scalars.map((name, i) => [`scalar/${name}`, tensor('float32', [], Float32Array.of(rates[i]))]);
      const out = await session.run({
        ...fixed,
        ...moving,
        chosen: tensor('float32', [1, channels, 1, 1], one),
        ...Object.fromEntries(fed),
      });
      moving = { theta: out['next/theta'] };
      for (const name of adam.slots) moving[`slot/${name}`] = out[`next/${name}`];
    }
    const last = moving.theta.data as Float32Array;
    const planes = last.map((value) => Math.min(1, Math.max(0, Math.tanh(value) / (2 - TANH_EPSILON) + 0.5)));
    return { planes, norm: planes.subarray(0, start.length / 4).reduce((sum, value) => sum + value, 0) };
  };
}

/** θ of a start: a mask that is about as large as costs nothing, uniform in [0, 2 · maskShare], and a pattern uniform in [0, 1]. */
function startOf(rng: Rng, side: number, maskShare: number): Float32Array {
  const theta = (value: number) => Math.atanh((value - 0.5) * (2 - TANH_EPSILON) * 0.999999);
  const most = Math.min(1, 2 * maskShare);
  return Float32Array.from({ length: 4 * side * side }, (_, i) => theta((i < side * side ? most : 1) * rng.uniform()));
}

/** Predicted classes of images under triggers. */
export async function openTriggered(
  subject: DefenseSubject,
  images: ImageSource,
): Promise<(planes: Float32Array) => Promise<number[]>> {
  const { runtime, network, trained } = subject;
  const { inputSize: side } = network.preprocessing;
  const graph = new Graph(`abs answers ${network.model.name}`);
  const trigger = graph.input('trigger', 'float32', [1, 4, side, side]);
  const { image } = stamped(graph, subject, trigger);
  const forward = emitForward(new Graph('forward'), network, 'evaluate');
  const [logits] = copyInto(graph, [forward.logits], new Map([[forward.image, image]]));
  graph.output('predicted', argMax(logits, 1));
  const session = await runtime.open(graph);
  const wanted = new Set(graph.inputs.map(({ name }) => name));
  const state = Object.fromEntries(Object.entries(stateFeeds(network, trained)).filter(([name]) => wanted.has(name)));
  const feeds = {
    ...state,
    ...imageFeeds(images, everyRow(images), { inputSize: side }),
  };
  return async (planes) => {
    const out = await session.run({ ...feeds, trigger: tensor('float32', [1, 4, side, side], planes) });
    return Array.from(out.predicted.data as BigInt64Array, Number);
  };
}
