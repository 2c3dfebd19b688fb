// The training loop: seeded epochs over a source of images, one graph run per batch.
import { failedError } from '../core/errors.ts';
import { Rng } from '../core/rng.ts';
import { filled, sizeOf, type Tensor, tensor } from '../core/tensor.ts';
import type { Augmentation } from '../data/augment.ts';
import { epochBatches } from '../data/batches.ts';
import { everyRow, type ImageSource } from '../data/dataset.ts';
import type { Runtime } from '../runtime/node.ts';
import { BEGINNING, type Checkpointing, fitting, type Position, TrainingStopped } from './checkpoint.ts';
import type { DrawnSource } from './drawn-set.ts';
import { cachedFeatures } from './features.ts';
import { imageFeeds, labelFeed } from './feeds.ts';
import type { DropoutMask, Network } from './network.ts';
import { type OptimizerConfig, optimizer } from './optimizers.ts';
import { unpackTensors } from './packing.ts';
import { stateFeeds, type TrainedState } from './predict.ts';
import { stepping } from './stepping.ts';
import { trainStep } from './train-step.ts';

/** Tensors that a step takes besides the images, by the names of its graph inputs. */
type State = Record<string, Tensor>;

export interface TrainingOptions extends OptimizerConfig {
  readonly epochs: number;
  readonly batchSize: number;
  /** Decides the order of the rows and the dropout masks. */
  readonly seed: number;
  /**
   * Whether dropout stays active and batch norms go on with the batch's statistics after the first epoch; `eval`: as programs
   * that call `train()` once, before an evaluation at the end of the first epoch. Default `train`.
   */
  readonly modeAfterFirstEpoch?: 'train' | 'eval' | undefined;
  /** Learning rate of a step (from 0) of `steps`; default: constant. */
  readonly schedule?: (step: number, steps: number) => number;
  /** What happens to the images of each batch before they are fed; triggers on native pixels are on them already. */
  readonly augment?: Augmentation | undefined;
  /** Called after every epoch (from 1) with its mean loss and the state so far; may be asynchronous. */
  readonly onEpoch?: (epoch: number, loss: number, state: () => TrainedState) => void | Promise<void>;
  /** Called after every batch with the share of the training that is done. */
  readonly onProgress?: (share: number) => void;
  /** Lets training be interrupted and taken up again. */
  readonly checkpointing?: Checkpointing | undefined;
  /** Called when training goes on from a checkpoint. */
  readonly onResume?: (from: Position) => void;
}

export interface TrainingResult {
  readonly trained: TrainedState;
  /** Mean training loss of each epoch. */
  readonly epochLosses: number[];
  /** Wall time of the training steps and of the features they take, that before an interruption included. */
  readonly seconds: number;
}

/**
 * Trains a network in the order, with the masks and from the start that its seed decides: same inputs, same bits
 * (for the same machine and thread count). What the network's frozen part makes of the images is taken from its feature store,
 * if it has one. `begin` is how the state is carried from step to step.
 * @throws TriggerlabError (failed) when the loss, a parameter or a running statistic stops being a number; TrainingStopped
 * when `checkpointing` says so.
 */
export async function train(
  runtime: Runtime,
  network: Network,
  source: ImageSource | DrawnSource,
  options: TrainingOptions,
  begin = stepping,
): Promise<TrainingResult> {
  const started = performance.now();
  const method = optimizer(options);
  const { augment } = options;
  const perEpoch = Math.ceil(source.count / options.batchSize);
  const steps = perEpoch * options.epochs;
  // Computing features takes about as long as the steps of that many images.
  let before = 0;
  const phase = async (network: Network, start: State) => {
    // Augmented and redrawn images are new every time.
    const anew = augment !== undefined || 'draw' in source;
    const features = anew
      ? undefined
      : await cachedFeatures(runtime, network, 'train', source, everyRow(source), (rows, of) => {
          if (options.checkpointing?.due() === 'stop') throw new TrainingStopped();
          before = of / options.batchSize;
          options.onProgress?.((done + rows / options.batchSize) / (done + before + steps));
        });
    const step = trainStep(augment ? augmented(network, augment) : network, method, features?.part);
    const moving = new Set(step.state);
    const part = (moves: boolean) =>
      Object.fromEntries(Object.entries(start).filter(([key]) => moving.has(key) === moves));
    const still = part(false);
    const loop = await begin(runtime, step, part(true));
    return { features, step, still, loop, state: () => ({ ...still, ...loop.state() }) };
  };
  const fresh = startingState(network, method.slots);
  const resumed = fitting(await options.checkpointing?.load(), fresh, perEpoch, options.epochs);
  const from = resumed?.position ?? BEGINNING;
  if (resumed) options.onResume?.(from);
  const elapsed = () => from.seconds + (performance.now() - started) / 1000;
  const evaluates = (epoch: number) => epoch > 1 && options.modeAfterFirstEpoch === 'eval';
  let done = from.steps;
  let now = await phase(
    evaluates(from.epoch) ? inEvaluation(network) : network,
    resumed ? { ...resumed.state } : fresh,
  );
  const schedule = options.schedule ?? (() => options.learningRate);
  const lone = network.trainable.batchNormMode === 'batch' && (source.count - 1) % options.batchSize === 0;
  const dropoutMask = dropoutMasks(options.batchSize);
  const epochLosses = [...from.epochLosses];
  for (let epoch = from.epoch; epoch <= options.epochs; epoch++) {
    if (epoch === 2 && from.epoch === 1 && evaluates(epoch)) now = await phase(inEvaluation(network), now.state());
    const { features, step, still, loop } = now;
    let { lossSum: total, batches } = epoch === from.epoch ? from : { lossSum: 0, batches: 0 };
    const order = epochBatches(source.count, options.batchSize, Rng.of(options.seed, 'order', epoch));
    for (const rows of order.slice(batches)) {
      const scalars = method.feed(done + 1, schedule(done, steps));
      const images = 'draw' in source ? await source.draw(rows, done) : source;
      const feeds: Record<string, Tensor> = {
        ...still,
        ...(features ? { features: await features.read(rows) } : imageFeeds(images, rows, network.preprocessing)),
        labels: labelFeed(images, rows),
      };
      if (augment) {
        const { height, width, channels } = augment.shape;
        const pixels = augment.apply(feeds.image.data as Uint8Array, Rng.of(options.seed, 'augment', done));
        feeds.image = tensor('uint8', [rows.length, height, width, channels], pixels);
      }
      method.scalars.forEach((name, i) => {
        feeds[`scalar/${name}`] = filled([], scalars[i]);
      });
      for (const mask of step.masks)
        feeds[mask.input] = dropoutMask(mask, rows.length, Rng.of(options.seed, 'dropout', mask.input, done));
      total += (await loop.step(feeds)) * rows.length;
      done++;
      batches++;
      options.onProgress?.((before + done) / (before + steps));
      const due = options.checkpointing?.due() ?? 'go on';
      if (due !== 'go on') {
        const position: Position = { epoch, batches, steps: done, lossSum: total, epochLosses, seconds: elapsed() };
        // A loss that is not a number cannot be written, and the end of the epoch is about to say so.
        if (Number.isFinite(total)) await options.checkpointing?.save({ position, state: now.state() });
        if (due === 'stop') throw new TrainingStopped();
      }
    }
    const loss = total / source.count;
    if (!Number.isFinite(loss)) throw diverged(`the loss of epoch ${epoch} is ${loss}`, lone);
    const odd = oddOne(network, now.state());
    if (odd) throw diverged(`after epoch ${epoch}, ${odd} is not finite`, lone);
    epochLosses.push(loss);
    await options.onEpoch?.(epoch, loss, () => trainedState(network, now.state()));
  }
  return { trained: trainedState(network, now.state()), epochLosses, seconds: elapsed() };
}

/** The network on images that come from an augmentation: at its input's size where that has resized them. */
function augmented(network: Network, { shape, atInputSize }: Augmentation): Network {
  const preprocessing = { ...network.preprocessing, native: shape };
  return { ...network, preprocessing: atInputSize ? { ...preprocessing, resize: 'input' } : preprocessing };
}

/** The network as it is trained once it is in evaluation mode: running statistics are given, dropout is off. */
function inEvaluation(network: Network): Network {
  return { ...network, dropout: false, trainable: { ...network.trainable, batchNormMode: 'running' } };
}

/** `lone`: a batch of one image may have left a batch norm a single value per channel, which has no variance. */
function diverged(how: string, lone: boolean) {
  return failedError(`training diverged: ${how}`, {
    hint: lone
      ? 'The last batch of an epoch holds a single image, of which a batch norm may make nothing: change training.batchSize.'
      : 'Lower training.learningRate, or check that the images are not all alike.',
  });
}

/** Tensors of their own: steps write over them. */
function startingState(network: Network, slots: readonly string[]): State {
  const state = stateFeeds(network, network.start);
  for (const name of network.buffers) state[`buffers/${name}`] = copyOf(network.start[name]);
  for (const pack of network.packs)
    for (const slot of slots) state[`slot/${slot}/${pack.name}`] = filled(pack.shape, 0);
  return state;
}

/** Name of a parameter or running statistic that is not finite. */
function oddOne(network: Network, state: Readonly<Record<string, Tensor>>): string | undefined {
  const carried = [
    ...network.packs.map(({ name }) => `parameters/${name}`),
    ...network.buffers.map((name) => `buffers/${name}`),
  ];
  // Looked through as they are carried: large ones need not be copied for that.
  if (carried.every((name) => allFinite(state[name].data as Float32Array))) return undefined;
  const trained = Object.entries(trainedState(network, state));
  return trained.find(([, { data }]) => !allFinite(data as Float32Array))?.[0];
}

function allFinite(data: Float32Array): boolean {
  let sum = 0;
  // A callback for every element would take longer than a training step.
  for (let i = 0; i < data.length; i++) sum += 0 * data[i];
  return sum === 0;
}

/** A copy: later steps write over the state. */
function trainedState(network: Network, state: Readonly<Record<string, Tensor>>): TrainedState {
  const trained: Record<string, Tensor> = {};
  for (const pack of network.packs) Object.assign(trained, unpackTensors(pack, state[`parameters/${pack.name}`]));
  for (const name of network.buffers) trained[name] = copyOf(state[`buffers/${name}`]);
  return trained;
}

function copyOf({ dtype, shape, data }: Tensor): Tensor {
  return { dtype, shape, data: data.slice() };
}

/** Draws a layer's mask for a batch: 1 with probability 1 − rate for each element, in order; valid until the layer's next. */
function dropoutMasks(largestBatch: number) {
  const memories = new Map<string, Uint8Array>();
  return ({ input, rate, shape }: DropoutMask, batch: number, rng: Rng): Tensor => {
    const size = sizeOf(shape.slice(1).map(Number));
    const memory = memories.get(input) ?? new Uint8Array(largestBatch * size);
    memories.set(input, memory);
    const keep = memory.subarray(0, batch * size);
    rng.keep(keep, rate);
    return tensor('uint8', [batch, ...shape.slice(1).map(Number)], keep);
  };
}
