// Reverse engineering of triggers: for each class the smallest mask and pattern that make images be taken for it.
import { Rng } from '../../core/rng.ts';
import { type Tensor, tensor } from '../../core/tensor.ts';
import type { ImageSource } from '../../data/dataset.ts';
import type { Runtime } from '../../runtime/node.ts';
import type { Session } from '../../runtime/session.ts';
import { imageFeeds } from '../../train/feeds.ts';
import type { Classifier } from '../defense.ts';
import { type LambdaState, nextLambda, startLambda } from './lambda-schedule.ts';
import type { CleanseSettings } from './settings.ts';
import { TANH_EPSILON, triggerOptimizer, triggerStep } from './trigger-step.ts';

/** The trigger found for a class: mask first, then the pattern's red, green and blue, all in [0, 1]. */
export interface FoundTrigger {
  /** float32, 4 · S · S */
  readonly planes: Float32Array;
  /** ‖m‖₁ in pixels: the sum of the mask. */
  readonly norm: number;
  /** Share of the images of the step that found it that were taken for the class. */
  readonly success: number;
  /** Step that found it, from 1. */
  readonly step: number;
}

/** One start of one class, between two steps. `theta`, `m` and `v` are empty before the first of them and after the last. */
export interface Lane {
  readonly class: number;
  readonly restart: number;
  readonly theta: Float32Array;
  readonly m: Float32Array;
  readonly v: Float32Array;
  readonly lambda: LambdaState;
  /** Steps done. */
  readonly steps: number;
  readonly done: boolean;
  readonly found: FoundTrigger | undefined;
}

export interface SearchWatch {
  /** Told the share of all steps done, in [0, 1]. */
  readonly onProgress?: ((share: number) => void) | undefined;
  /** Asked between steps: true ends the search with what there is. */
  readonly shouldStop?: (() => boolean) | undefined;
  /** Told all lanes after every step of one of them, and waited for: what `search` takes to go on from there. */
  readonly onStep?: ((lanes: readonly Lane[]) => void | Promise<void>) | undefined;
}

const NOTHING = new Float32Array();

/** A lane to be: of many classes only those in hand take memory. */
export function newLane({ lambda }: CleanseSettings, of: number, restart: number): Lane {
  return {
    ...{ class: of, restart, theta: NOTHING, m: NOTHING, v: NOTHING },
    ...{ lambda: startLambda(lambda), steps: 0, done: false, found: undefined },
  };
}

/** With its start: mask and pattern uniform in [0, 1], a stream of its own for each class and restart. */
function started(lane: Lane, side: number, seed: number): Lane {
  if (lane.steps > 0) return lane;
  const rng = Rng.of(seed, 'neural-cleanse', lane.class, lane.restart);
  const size = 4 * side * side;
  const theta = Float32Array.from({ length: size }, () =>
    Math.atanh((rng.uniform() - 0.5) * (2 - TANH_EPSILON) * 0.999999),
  );
  return { ...lane, theta, m: new Float32Array(size), v: new Float32Array(size) };
}

/** Pixels of all lanes' images that one graph works on at once: more only fills the caches. */
const PIXELS_AT_ONCE = 2 ** 19;

/** Lanes that share a graph. */
export function lanesAtOnce(settings: CleanseSettings, side: number, lanes: number): number {
  return Math.min(lanes, Math.max(1, Math.floor(PIXELS_AT_ONCE / (settings.batchSize * side * side))));
}

/** Lanes that take turns, step by step, where one graph does not hold them: a search that is ended early has all of them equally far. */
const ABREAST = 32;

/** Graphs kept at hand, fewer than the runtime keeps. */
const MOST_OPEN = 3;

/**
 * Runs every lane to its end. A lane's result depends on the seed, its class and its restart, not on the lanes beside it.
 * @param rows images of `images` that the triggers are fitted to @returns the lanes, in their order
 */
export async function search(
  runtime: Runtime,
  subject: Classifier,
  images: ImageSource,
  rows: ArrayLike<number>,
  settings: CleanseSettings,
  seed: number,
  from: readonly Lane[],
  { onProgress, shouldStop, onStep }: SearchWatch = {},
): Promise<readonly Lane[]> {
  const lanes = [...from];
  const { preprocessing } = subject.network;
  const width = lanesAtOnce(settings, preprocessing.inputSize, lanes.length);
  const batches = batchesOf(rows, Math.min(settings.batchSize, rows.length), seed);
  // Of classes that end early smaller graphs are left behind; those of the groups that take turns are needed again.
  const open = new Map<number, Session>();
  const sessionFor = async (count: number) => {
    const session = open.get(count) ?? (await runtime.open(triggerStep(subject, count, settings.learningRate)));
    open.delete(count);
    open.set(count, session);
    for (const oldest of [...open.keys()].slice(0, -MOST_OPEN)) open.delete(oldest);
    return session;
  };
  const abreast = width * Math.max(1, Math.floor(ABREAST / width));
  for (let first = 0; first < lanes.length; first += abreast) {
    const block = lanes.slice(first, first + abreast).map((_, i) => first + i);
    for (;;) {
      const now = nextGroup(lanes, block, width);
      if (now.length === 0) break;
      if (shouldStop?.()) return lanes;
      const session = await sessionFor(now.length);
      const feeds = (batch: number) => imageFeeds(images, batches(batch), { ...preprocessing, overlay: undefined });
      const after = await oneStep(
        session,
        now.map((at) => started(lanes[at], preprocessing.inputSize, seed)),
        settings,
        feeds,
      );
      now.forEach((at, i) => {
        lanes[at] = after[i];
      });
      await onStep?.(lanes);
      onProgress?.(
        lanes.reduce((sum, { steps, done }) => sum + (done ? settings.steps : steps), 0) /
          (lanes.length * settings.steps),
      );
    }
  }
  return lanes;
}

/** Of the groups of `width` lanes that share a graph the one that is furthest behind: its lanes that are so. Empty when all are done. */
function nextGroup(lanes: readonly Lane[], block: readonly number[], width: number): number[] {
  let now: number[] = [];
  for (let first = 0; first < block.length; first += width) {
    const active = block.slice(first, first + width).filter((at) => !lanes[at].done);
    // Lanes of a group go in step; after a resumption some may be behind.
    const behind = Math.min(...active.map((at) => lanes[at].steps));
    if (now.length === 0 || behind < lanes[now[0]].steps) now = active.filter((at) => lanes[at].steps === behind);
  }
  return now;
}

/** Rows of batch number `at`: epoch after epoch, each in an order of its own. */
function batchesOf(rows: ArrayLike<number>, size: number, seed: number): (at: number) => number[] {
  const perEpoch = Math.floor(rows.length / size);
  let known: { epoch: number; order: Int32Array } = { epoch: -1, order: new Int32Array() };
  return (at) => {
    const epoch = Math.floor(at / perEpoch);
    if (known.epoch !== epoch) {
      known = { epoch, order: Rng.of(seed, 'neural-cleanse', 'images', epoch).permutation(rows.length) };
    }
    const start = (at % perEpoch) * size;
    return Array.from(known.order.subarray(start, start + size), (i) => rows[i]);
  };
}

/** One step of lanes that have done as many steps: its batches, then what follows for λ and for the best trigger. */
async function oneStep(
  session: Session,
  lanes: readonly Lane[],
  settings: CleanseSettings,
  feeds: (batch: number) => Record<string, Tensor>,
): Promise<Lane[]> {
  const { batchesPerStep, learningRate } = settings;
  const size = lanes[0].theta.length;
  const shape = [lanes.length, 4, Math.sqrt(size / 4), Math.sqrt(size / 4)];
  const joined = (part: (lane: Lane) => Float32Array) => {
    const all = new Float32Array(lanes.length * size);
    lanes.forEach((lane, i) => {
      all.set(part(lane), i * size);
    });
    return tensor('float32', shape, all);
  };
  let [theta, m, v]: Tensor[] = [joined((lane) => lane.theta), joined((lane) => lane.m), joined((lane) => lane.v)];
  const fixed = {
    lambda: tensor(
      'float32',
      [lanes.length],
      Float32Array.from(lanes, (lane) => lane.lambda.lambda),
    ),
    target: tensor(
      'int64',
      [lanes.length],
      BigInt64Array.from(lanes, (lane) => BigInt(lane.class)),
    ),
  };
  const adam = triggerOptimizer(learningRate);
  const success = new Float64Array(lanes.length);
  const norm = new Float64Array(lanes.length);
  for (let b = 0; b < batchesPerStep; b++) {
    const batch = lanes[0].steps * batchesPerStep + b;
    const scalars = adam.feed(batch + 1, learningRate);
    const out = await session.run({
      ...{ ...fixed, theta, 'slot/m': m, 'slot/v': v },
      ...Object.fromEntries(
        adam.scalars.map((name, i) => [`scalar/${name}`, tensor('float32', [], Float32Array.of(scalars[i]))]),
      ),
      ...feeds(batch),
    });
    [theta, m, v] = [out['next/theta'], out['next/m'], out['next/v']];
    for (let i = 0; i < lanes.length; i++) {
      success[i] += Number(out.success.data[i]) / batchesPerStep;
      norm[i] += Number(out.norm.data[i]) / batchesPerStep;
    }
  }
  // A class that is not to end early must not have its λ held where it would have ended.
  const schedule = settings.earlyStop ? settings.lambda : { ...settings.lambda, stopAfter: Number.POSITIVE_INFINITY };
  const cut = ({ data }: Tensor, i: number) => (data as Float32Array).slice(i * size, (i + 1) * size);
  return lanes.map((lane, i) => {
    const next = nextLambda(schedule, lane.lambda, { success: success[i], norm: norm[i] });
    const steps = lane.steps + 1;
    const done = steps >= settings.steps || next.stop;
    return {
      ...lane,
      ...(done ? { theta: NOTHING, m: NOTHING, v: NOTHING } : { theta: cut(theta, i), m: cut(m, i), v: cut(v, i) }),
      lambda: next.state,
      ...{ steps, done },
      found: next.improved ? foundTrigger(cut(theta, i), success[i], steps) : lane.found,
    };
  });
}

function foundTrigger(theta: Float32Array, success: number, step: number): FoundTrigger {
  const planes = theta.map((value) => Math.min(1, Math.max(0, Math.tanh(value) / (2 - TANH_EPSILON) + 0.5)));
  const norm = planes.subarray(0, planes.length / 4).reduce((sum, value) => sum + value, 0);
  return { planes, norm, success, step };
}
