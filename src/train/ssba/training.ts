// Trains SSBA's encoder and decoder on the training images of a dataset: seeded, resumable, until the schedule has enough.
import { rm } from 'node:fs/promises';
import { failedError } from '../../core/errors.ts';
import { bytesPerImage } from '../../core/images.ts';
import { Rng } from '../../core/rng.ts';
import { filled, type Tensor, tensor } from '../../core/tensor.ts';
import type { ImageSource } from '../../data/dataset.ts';
import { initialize } from '../../models/initializers.ts';
import { stegastampParameters } from '../../models/stegastamp.ts';
import { Runtime } from '../../runtime/node.ts';
import { Codec, type CodecParameters } from '../../triggers/ssba/codec.ts';
import { imageWeight } from '../../triggers/ssba/schedules.ts';
import { randomBits } from '../../triggers/ssba/secrets.ts';
import { encoderKey, type SsbaSettings } from '../../triggers/ssba/settings.ts';
import { optimizer } from '../optimizers.ts';
import { packTensors, unpackTensors } from '../packing.ts';
import { readCheckpoint, type SsbaState, writeCheckpoint } from './checkpoint.ts';
import { ssbaPacks, ssbaStep } from './step.ts';

/** Steps between checks on held-out training images. */
const CHECK_EVERY = 100;
/** Training images that are held out of the training: this share, and at most so many. */
const HELD_OUT = { share: 0.05, most: 256 };
const CHECKPOINT_MS = 60_000;

/** How good the networks are on training images that were held out of their training. */
export interface SsbaCheck {
  readonly step: number;
  readonly bitAccuracy: number;
  /** −10·log₁₀ of the mean squared error over all images, values in [0, 1], after rounding to 8 bits. */
  readonly psnr: number;
  /** Of the image's error in the loss. */
  readonly imageWeight: number;
}

export interface SsbaTrainingOptions {
  /** File to continue from and to note the state in, once a minute; removed at the end. */
  readonly checkpoint?: string;
  /** Told after every step: the share done (an estimate), the step, and that step's bit accuracy. */
  readonly onStep?: (share: number, step: number, bitAccuracy: number) => void;
  readonly onCheck?: (check: SsbaCheck) => void;
  /** Ends the training after the step in hand; the checkpoint has its state. */
  readonly signal?: AbortSignal | undefined;
}

export interface SsbaTraining {
  readonly parameters: CodecParameters;
  readonly steps: number;
  readonly seconds: number;
  readonly check: SsbaCheck;
  /** Whether the schedule's mark was reached; undefined for schedules without one. */
  readonly enough?: boolean | undefined;
}

/**
 * Trains on `source`, whose images have the settings' shape. Same settings, images, machine and threads: same bits, with or
 * without interruptions. Undefined when the signal ended it.
 * @throws TriggerlabError (failed) when the loss stops being a number.
 */
export async function trainSsba(
  runtime: Runtime,
  source: ImageSource,
  settings: SsbaSettings,
  options: SsbaTrainingOptions = {},
): Promise<SsbaTraining | undefined> {
  const { size, schedule, seed } = settings;
  const started = performance.now();
  const adam = optimizer({ optimizer: 'adam', learningRate: schedule.learningRate, momentum: 0, weightDecay: 0 });
  const packs = ssbaPacks(size);
  const { graph, state: names } = ssbaStep(size, schedule, adam);
  const session = await runtime.open(graph);
  const { held, used } = heldOut(source, seed);
  const key = encoderKey(settings);
  const fresh = startingState(settings, adam.slots);
  const { checkpoint } = options;
  let state: SsbaState = (checkpoint && readCheckpoint(checkpoint, key, fresh)) || {
    ...{ tensors: fresh, step: 0, good: 0, seconds: 0 },
  };
  const before = state.seconds;
  const spent = () => before + (performance.now() - started) / 1000;
  const parametersOf = ({ tensors }: SsbaState): CodecParameters =>
    Object.assign({}, ...packs.map((pack) => unpackTensors(pack, tensors[`parameters/${pack.name}`])));
  let saved = performance.now();
  let check: SsbaCheck | undefined;
  const isEnough = () => state.good >= 2;
  while (state.step < schedule.steps && !isEnough()) {
    const step = state.step + 1;
    const weight = imageWeight(schedule, step, state.passed);
    const out = await session.run({
      ...state.tensors,
      ...batch(source, used, settings, step),
      ...scalars(step, weight),
    });
    if (!Number.isFinite(Number(out.loss.data[0]))) {
      throw failedError(`the training of SSBA's encoder diverged: the loss of step ${step} is ${out.loss.data[0]}`, {
        hint: 'Lower --learning-rate.',
      });
    }
    const accuracy = Number(out.accuracy.data[0]);
    const mark = schedule.ramp.accuracy;
    const passed = state.passed ?? (mark !== undefined && accuracy > mark ? step : undefined);
    const tensors = Object.fromEntries(names.map((name) => [name, out[`next/${name}`]]));
    state = { tensors, step, passed, good: state.good, seconds: spent() };
    options.onStep?.(shareDone(state, settings), step, accuracy);
    if (step % CHECK_EVERY === 0 || step === schedule.steps) {
      check = await checked(runtime.threads, source, held, settings, parametersOf(state), step, weight);
      options.onCheck?.(check);
      state = { ...state, good: isGood(check, settings) ? state.good + 1 : 0 };
    }
    const stopped = options.signal?.aborted === true;
    if (checkpoint && (stopped || performance.now() - saved > CHECKPOINT_MS)) {
      await writeCheckpoint(checkpoint, key, state);
      saved = performance.now();
    }
    if (stopped) return undefined;
  }
  const parameters = parametersOf(state);
  check ??= await checked(
    ...([runtime.threads, source, held, settings, parameters, state.step] as const),
    imageWeight(schedule, state.step, state.passed),
  );
  if (checkpoint) await rm(checkpoint, { force: true });
  const enough = schedule.enough ? isEnough() : undefined;
  return { parameters, steps: state.step, seconds: spent(), check, enough };

  function scalars(step: number, weight: number): Record<string, Tensor> {
    const values = adam.feed(step, schedule.learningRate);
    const fed = adam.scalars.map((name, i) => [`scalar/${name}`, filled([], values[i])]);
    return { weight: filled([], weight), ...Object.fromEntries(fed) };
  }
}

/** Which training images are used, and which are held out for the checks. */
function heldOut(source: ImageSource, seed: number): { held: Int32Array; used: Int32Array } {
  const order = Rng.of(seed, 'ssba', 'held-out').permutation(source.count);
  const count = Math.max(1, Math.min(HELD_OUT.most, Math.floor(HELD_OUT.share * source.count)));
  return { held: order.slice(0, count), used: order.slice(count) };
}

function startingState({ size, seed }: SsbaSettings, slots: readonly string[]): Record<string, Tensor> {
  const drawn: Record<string, Tensor> = {};
  for (const { name, shape, initializer } of stegastampParameters(size)) {
    drawn[name] = initialize(initializer, shape, Rng.of(seed, 'ssba', 'init', name));
  }
  const state: Record<string, Tensor> = {};
  for (const pack of ssbaPacks(size)) {
    state[`parameters/${pack.name}`] = packTensors(pack, drawn);
    for (const slot of slots) state[`slot/${slot}/${pack.name}`] = filled(pack.shape, 0);
  }
  return state;
}

/** The images and secrets of a step, drawn with replacement: they depend on seed and step alone. */
function batch(source: ImageSource, used: Int32Array, settings: SsbaSettings, step: number): Record<string, Tensor> {
  const { schedule, size, seed } = settings;
  const count = schedule.batchSize;
  const rng = Rng.of(seed, 'ssba', 'batch', step);
  const rows = Array.from({ length: count }, () => used[rng.int(0, used.length - 1)]);
  const { height, width, channels } = size.image;
  return {
    image: tensor('uint8', [count, height, width, channels], source.read(rows)),
    secret: tensor('float32', [count, size.bits], Float32Array.from(randomBits(count * size.bits, rng))),
  };
}

async function checked(
  threads: number,
  source: ImageSource,
  rows: Int32Array,
  { size, seed }: SsbaSettings,
  parameters: CodecParameters,
  step: number,
  weight: number,
): Promise<SsbaCheck> {
  // Of its own: sessions of one check are of no use to the next.
  const runtime = new Runtime({ threads });
  try {
    const codec = new Codec(runtime, size, parameters);
    const pixels = source.read(rows);
    const secrets = randomBits(rows.length * size.bits, Rng.of(seed, 'ssba', 'check'));
    const hidden = await codec.hide(pixels, secrets);
    const read = await codec.read(hidden);
    const right = read.reduce((sum, bit, i) => sum + (bit === secrets[i] ? 1 : 0), 0);
    const squares = pixels.reduce((sum, value, i) => sum + (value - hidden[i]) ** 2, 0);
    const error = squares / (rows.length * bytesPerImage(size.image)) / 255 ** 2;
    return { step, bitAccuracy: right / read.length, psnr: -10 * Math.log10(error), imageWeight: weight };
  } finally {
    await runtime.close();
  }
}

function isGood({ bitAccuracy, psnr, imageWeight: weight }: SsbaCheck, { schedule }: SsbaSettings): boolean {
  const { enough } = schedule;
  return (
    enough !== undefined && weight === schedule.imageWeight && bitAccuracy >= enough.bitAccuracy && psnr >= enough.psnr
  );
}

/** Where a schedule may end early, the end is taken to come soon after the ramp. */
function shareDone({ step, passed }: SsbaState, { schedule }: SsbaSettings): number {
  const { enough, ramp, steps } = schedule;
  const soon = (passed ?? step) + ramp.wait + ramp.steps + 2 * CHECK_EVERY;
  return step / (enough ? Math.max(step + 1, Math.min(steps, soon)) : steps);
}
