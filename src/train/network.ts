// A network bound to its data, its freeze policy and its starting numbers; emits its forward pass into step graphs.
import type { Tensor } from '../core/tensor.ts';
import { channelStatistics } from '../data/channel-statistics.ts';
import type { Dataset } from '../data/dataset.ts';
import type { FeatureStore } from '../data/feature-store.ts';
import { inputPixels, normalize, type Preprocessing } from '../data/preprocessing.ts';
import type { Normalization, PreprocessingSpec } from '../data/preprocessing-fields.ts';
import { copyInto } from '../graph/copy.ts';
import { Graph, type Shape, type Value } from '../graph/graph.ts';
import {
  type ArchitectureInfo,
  describeArchitecture,
  type NetworkOutput,
  type Origin,
} from '../models/architecture.ts';
import { type FreezePolicy, type TrainablePart, trainablePart } from '../models/freeze.ts';
import { type LayerContext, Layers } from '../models/layers.ts';
import type { ModelDefinition } from '../models/registry.ts';
import { initialState, type ModelState, type Stem, stemParameters } from '../models/state.ts';
import { type Pack, packsOf, unpackValues } from './packing.ts';
import type { TrainedState } from './predict.ts';

export interface Network {
  readonly model: ModelDefinition;
  readonly info: ArchitectureInfo;
  /** What the network starts from; the frozen part stays so. */
  readonly start: ModelState;
  readonly classes: number;
  readonly preprocessing: Preprocessing;
  /** Whether dropout is active in training. */
  readonly dropout: boolean;
  readonly trainable: TrainablePart;
  /** The trained parameters, as step graphs carry them. */
  readonly packs: readonly Pack[];
  /** Running statistics that training changes; empty when batch norms stay in evaluation mode. */
  readonly buffers: readonly string[];
  readonly origin: Origin;
  /** Where what the frozen part makes of images is kept; undefined: it is computed whenever it is needed. */
  readonly features?: FeatureStore | undefined;
  /** A change to the forward pass. A network that has one keeps no features. */
  readonly amendment?: Amendment | undefined;
}

/** A change made to a network's forward pass, such as channels that are silenced. */
export interface Amendment {
  /** Emits a forward pass, which stands in a graph of its own, into `target` with the change in it; graph inputs keep their names. */
  emit(forward: Forward, target: Graph): Forward;
  /** Graph inputs that the change adds: fixed numbers, fed with the network's state. */
  readonly feeds: Readonly<Record<string, Tensor>>;
}

export interface NetworkOptions {
  readonly model: ModelDefinition;
  readonly dataset: Pick<Dataset, 'classes' | 'train'>;
  readonly inputSize: number;
  readonly init: 'pretrained' | 'random';
  readonly freeze: FreezePolicy;
  readonly seed: number;
  /** Whether pretrained networks get a new first convolution, which is then trained whatever `freeze` says. Default: kept. */
  readonly stem?: Stem | undefined;
  /** What differs from the neutral chain; `rewrite` plays no part: `dataset` is rewritten already. */
  readonly preprocessing?: Partial<PreprocessingSpec> | undefined;
  readonly overlay?: Preprocessing['overlay'];
  /** Whether dropout is active in training. Default true. */
  readonly dropout?: boolean;
  /** Numbers to start from, in place of those that `init` and `seed` decide: every parameter and buffer. */
  readonly start?: ModelState;
  /** Keeps what the frozen part makes of images. Default: none. */
  readonly features?: FeatureStore | undefined;
}

/** Loads or draws the starting numbers and works out what is trained. @throws TriggerlabError as `initialState` and `trainablePart` do. */
export async function createNetwork(options: NetworkOptions): Promise<Network> {
  const { model, dataset, inputSize } = options;
  const { normalization = 'model', rewrite: _, ...chain } = options.preprocessing ?? {};
  const classes = dataset.classes.length;
  const { info, state } = options.start
    ? { info: describeArchitecture(model.architecture, inputSize, classes, options.init), state: options.start }
    : await initialState(model, { inputSize, classes, init: options.init, seed: options.seed, stem: options.stem });
  const trainable = withStem(trainablePart(options.freeze, model.architecture, info), info, options.stem);
  return {
    model,
    info,
    start: state,
    classes,
    preprocessing: {
      ...chain,
      native: dataset.train,
      inputSize,
      ...normalizationOf(normalization, model, dataset),
      overlay: options.overlay,
    },
    dropout: options.dropout ?? true,
    ...trainedParts(info, trainable),
    origin: options.init,
    features: options.features,
  };
}

/** A network that starts from what it was trained to; `freeze`: what is trained from then on (default: as before). Keeps no features. */
export function trainedOn(network: Network, trained: TrainedState, freeze?: FreezePolicy): Network {
  const { info, model } = network;
  const start = { ...network.start, ...trained };
  if (freeze === undefined) return { ...network, start, features: undefined };
  const trainable = trainablePart(freeze, model.architecture, info);
  return { ...network, start, features: undefined, ...trainedParts(info, trainable) };
}

/** The parameters and statistics that training changes, as steps carry them. */
function trainedParts(info: ArchitectureInfo, trainable: TrainablePart) {
  const shapes = new Map(info.parameters.map(({ name, shape }) => [name, shape]));
  return {
    trainable,
    packs: packsOf(trainable.parameters.map((name) => ({ name, shape: shapes.get(name) ?? [] }))),
    buffers: trainable.batchNormMode === 'batch' ? info.buffers.map(({ name }) => name) : [],
  };
}

function withStem(part: TrainablePart, info: ArchitectureInfo, stem: Stem = 'kept'): TrainablePart {
  if (stem === 'kept') return part;
  const trained = new Set([...part.parameters, ...stemParameters(info)]);
  return { ...part, parameters: info.parameters.map(({ name }) => name).filter((name) => trained.has(name)) };
}

function normalizationOf(
  given: PreprocessingSpec['normalization'],
  model: ModelDefinition,
  { train }: NetworkOptions['dataset'],
): Normalization {
  if (given === 'model') return model.normalization;
  return given === 'dataset' ? channelStatistics(train) : given;
}

/** The forward pass of a network in a graph, and the handles a step needs. */
export interface Forward extends NetworkOutput {
  /** Pixels in [0, 1] after resizing and overlay, before normalisation: [N, 3, S, S]. */
  readonly pixels: Value;
  /** What the network itself takes: pixels after normalisation. */
  readonly image: Value;
  /** Graph input `parameters/<pack>` of each pack, and the members' values cut from it. */
  readonly packs: readonly { readonly pack: Pack; readonly input: Value; readonly members: readonly Value[] }[];
  /** Running statistics after this batch, by name. */
  readonly nextBuffers: ReadonlyMap<string, Value>;
  /** Dropout masks to be fed: graph inputs `mask/<layer>` (uint8). */
  readonly masks: readonly DropoutMask[];
}

export interface DropoutMask {
  readonly input: string;
  /** Shape with the batch dimension in front. */
  readonly shape: Shape;
  readonly rate: number;
}

/** Emits preprocessing and network. Graph inputs: `image`, perhaps `overlay`, `parameters/…`, `buffers/…` and, for training, `mask/…`. */
export function emitForward(graph: Graph, network: Network, mode: 'train' | 'evaluate'): Forward {
  const { amendment } = network;
  return amendment
    ? amendment.emit(emitPlain(new Graph(graph.name), network, mode), graph)
    : emitPlain(graph, network, mode);
}

function emitPlain(graph: Graph, network: Network, mode: 'train' | 'evaluate'): Forward {
  const packs = network.packs.map((pack) => {
    const input = graph.input(`parameters/${pack.name}`, 'float32', pack.shape);
    return { pack, input, members: unpackValues(pack, input) };
  });
  const trained = new Map(packs.flatMap(({ pack, members }) => pack.members.map(({ name }, i) => [name, members[i]])));
  const buffers = new Set(network.buffers);
  const nextBuffers = new Map<string, Value>();
  const masks: DropoutMask[] = [];
  const context: LayerContext = {
    graph,
    batchNormMode: mode === 'train' ? network.trainable.batchNormMode : 'running',
    parameter: (name) => trained.get(name) ?? frozen(graph, network.start, name),
    buffer(name, shape) {
      return buffers.has(name) ? graph.input(`buffers/${name}`, 'float32', shape) : frozen(graph, network.start, name);
    },
    updateBuffer: (name, value) => nextBuffers.set(name, value),
    dropoutMask(name, shape, rate) {
      if (mode === 'evaluate' || !network.dropout || rate === 0) return undefined;
      masks.push({ input: `mask/${name}`, shape, rate });
      return graph.input(`mask/${name}`, 'uint8', shape);
    },
  };
  const pixels = inputPixels(graph, network.preprocessing);
  const layers = new Layers(context, network.model.architecture.convInitializer);
  const image = normalize(pixels, network.preprocessing);
  const output = network.model.architecture.forward(layers, image, network);
  return { ...output, pixels, image, packs, nextBuffers, masks };
}

/** A forward pass copied into `target`, with what `known` says in place of some of its values: see `copyInto`. */
export function copyForward(target: Graph, forward: Forward, known: Map<Value, Value>): Forward {
  const { logits, auxiliary = [], pixels, image, packs, nextBuffers, masks } = forward;
  const handles = packs.flatMap(({ input, members }) => [input, ...members]);
  copyInto(
    target,
    [logits, ...auxiliary.map((head) => head.logits), pixels, image, ...nextBuffers.values(), ...handles],
    known,
  );
  const counterpart = (value: Value) => known.get(value) as Value;
  return {
    logits: counterpart(logits),
    auxiliary: auxiliary.map((head) => ({ ...head, logits: counterpart(head.logits) })),
    pixels: counterpart(pixels),
    image: counterpart(image),
    packs: packs.map(({ pack, input, members }) => ({
      pack,
      input: counterpart(input),
      members: members.map(counterpart),
    })),
    nextBuffers: new Map([...nextBuffers].map(([name, value]) => [name, counterpart(value)])),
    masks,
  };
}

function frozen(graph: Graph, state: ModelState, name: string): Value {
  const content: Tensor | undefined = state[name];
  if (!content) throw new Error(`network: no value for "${name}"`);
  return graph.constant(content, name);
}
