// Neural Cleanse (Wang et al. 2019): a class that a far smaller trigger leads to than to the others is the target of a backdoor.
import { inputError } from '../../core/errors.ts';
import { Rng } from '../../core/rng.ts';
import { tensor } from '../../core/tensor.ts';
import { everyRow, type ImageSource } from '../../data/dataset.ts';
import type { Runtime } from '../../runtime/node.ts';
import { imageFeeds } from '../../train/feeds.ts';
import type { Classifier } from '../defense.ts';
import { type AnomalyIndices, anomalyIndices } from './anomaly-index.ts';
import { type FoundTrigger, type Lane, newLane, type SearchWatch, search } from './reverse-triggers.ts';
import type { CleanseSettings } from './settings.ts';
import { type SizeFactors, sizeFactors } from './size-factors.ts';
import { triggeredPrediction } from './trigger-step.ts';

export interface CleanseInput extends Classifier {
  readonly runtime: Runtime;
  /** Clean images of all kinds, for example a test set; their labels are only used to leave a class's own images out of its ASR. */
  readonly images: ImageSource;
  /** Rows to use. Default: all. */
  readonly rows?: ArrayLike<number> | undefined;
  /** Classes to examine. Default: all. */
  readonly classes?: readonly number[] | undefined;
  readonly settings: CleanseSettings;
  readonly seed: number;
  /** Where an earlier search was interrupted: what its `onStep` was told last; lanes of the classes, in their order. */
  readonly resume?: readonly Lane[] | undefined;
  readonly watch?: CleanseWatch | undefined;
}

export interface CleanseWatch extends SearchWatch {
  /** Asked before each finished trigger is tried on images: true leaves the rest untried. Default: `shouldStop`. */
  readonly stopTrying?: (() => boolean) | undefined;
  /** Told how many finished triggers have been tried, of how many. */
  readonly onTried?: ((done: number, total: number) => void) | undefined;
}

export interface ClassFinding {
  readonly class: number;
  /** The smallest trigger that works; undefined when none was found. */
  readonly trigger: FoundTrigger | undefined;
  /** Share of images of other classes that it makes be taken for the class; undefined where it was not tried. */
  readonly asr: number | undefined;
  /** The paper's. */
  readonly anomalyIndex: number | undefined;
  /** How many times smaller the mask is than the median class's. */
  readonly factor: number | undefined;
  /** Steps done, over all starts. */
  readonly steps: number;
  /** Whether all starts were run to their end. */
  readonly complete: boolean;
}

export interface CleanseResult {
  readonly settings: CleanseSettings;
  readonly classes: readonly ClassFinding[];
  /** The paper's indices. */
  readonly anomaly: AnomalyIndices;
  readonly sizes: SizeFactors;
  /** Whether every class was examined to the end. */
  readonly complete: boolean;
  readonly cost: { readonly seconds: number; readonly forwardPasses: number; readonly backwardPasses: number };
}

/** Images that the search draws its batches from, at most. */
const MOST_IMAGES = 1000;

/**
 * Searches a trigger for each class and compares their sizes. Same input, same machine: same bits.
 * @throws TriggerlabError (input) for classes that the network has not, too few images, or a network without gradient.
 */
export async function neuralCleanse(input: CleanseInput): Promise<CleanseResult> {
  const started = performance.now();
  const { runtime, network, images, settings, seed } = input;
  const classes = checkedClasses(input.classes, network.classes);
  const rows = drawnRows(input.rows ?? everyRow(images), seed);
  if (rows.length === 0) throw inputError('Neural Cleanse needs images', { hint: 'Give a few hundred clean ones.' });
  const from =
    input.resume ??
    classes.flatMap((of) => Array.from({ length: settings.restarts }, (_, restart) => newLane(settings, of, restart)));
  const before = stepsOf(from);
  const lanes = await search(runtime, input, images, rows, settings, seed, from, input.watch);
  const triggers = classes.map((of) => smallest(lanes.filter((lane) => lane.class === of)));
  const { rates, tried } = await successRates(input, rows, classes, triggers);
  const norms = triggers.map((trigger) => trigger?.norm);
  const anomaly = anomalyIndices(norms);
  const sizes = sizeFactors(norms);
  const shown = (stepsOf(lanes) - before) * settings.batchesPerStep * Math.min(settings.batchSize, rows.length);
  return {
    settings,
    classes: classes.map((of, i) => {
      const own = lanes.filter((lane) => lane.class === of);
      return {
        class: of,
        trigger: triggers[i],
        asr: rates[i],
        anomalyIndex: anomaly.indices[i],
        factor: sizes.factors[i],
        steps: stepsOf(own),
        complete: own.every(({ done }) => done),
      };
    }),
    anomaly,
    sizes,
    complete: lanes.every(({ done }) => done),
    cost: {
      seconds: (performance.now() - started) / 1000,
      forwardPasses: shown + tried,
      backwardPasses: shown,
    },
  };
}

/** What a search for no class at all finds. */
export function nothingSearched(settings: CleanseSettings): CleanseResult {
  const cost = { seconds: 0, forwardPasses: 0, backwardPasses: 0 };
  return { settings, classes: [], anomaly: anomalyIndices([]), sizes: sizeFactors([]), complete: true, cost };
}

const stepsOf = (lanes: readonly Lane[]) => lanes.reduce((sum, { steps }) => sum + steps, 0);

function checkedClasses(wanted: readonly number[] | undefined, count: number): number[] {
  const classes = [...new Set(wanted ?? Array.from({ length: count }, (_, i) => i))];
  const wrong = classes.find((of) => !(Number.isInteger(of) && of >= 0 && of < count));
  if (wrong !== undefined) {
    throw inputError(`there is no class ${wrong}: the network has ${count}`, {
      hint: `Classes are counted from 0 to ${count - 1}.`,
    });
  }
  return classes;
}

function drawnRows(rows: ArrayLike<number>, seed: number): number[] {
  const order = Rng.of(seed, 'neural-cleanse', 'rows').permutation(rows.length);
  return Array.from(order.subarray(0, MOST_IMAGES), (i) => rows[i]);
}

function smallest(lanes: readonly Lane[]): FoundTrigger | undefined {
  const found = lanes.flatMap((lane) => lane.found ?? []);
  return found.sort((a, b) => a.norm - b.norm)[0];
}

/** Images at once when the finished triggers are tried, and in all. */
const TRIED_AT_ONCE = 64;
const MOST_TRIED = 256;

async function successRates(
  input: CleanseInput,
  rows: readonly number[],
  classes: readonly number[],
  triggers: readonly (FoundTrigger | undefined)[],
): Promise<{ rates: (number | undefined)[]; tried: number }> {
  const { runtime, network, images } = input;
  const { preprocessing } = network;
  const side = preprocessing.inputSize;
  const session = await runtime.open(triggeredPrediction(input, 1));
  const rates: (number | undefined)[] = classes.map(() => undefined);
  // The smallest first: they matter most where time is short.
  const order = triggers
    .flatMap((trigger, i) => (trigger ? [{ trigger, i }] : []))
    .sort((a, b) => a.trigger.norm - b.trigger.norm);
  const stop = input.watch?.stopTrying ?? input.watch?.shouldStop;
  let tried = 0;
  for (const [done, { trigger, i }] of order.entries()) {
    if (stop?.()) break;
    const others = rows.filter((row) => images.labels[row] !== classes[i]).slice(0, MOST_TRIED);
    if (others.length === 0) continue;
    const planes = tensor('float32', [1, 4, side, side], trigger.planes);
    let taken = 0;
    for (let at = 0; at < others.length; at += TRIED_AT_ONCE) {
      const feeds = imageFeeds(images, others.slice(at, at + TRIED_AT_ONCE), { ...preprocessing, overlay: undefined });
      const { predicted } = await session.run({ ...feeds, triggers: planes });
      for (const of of predicted.data) if (Number(of) === classes[i]) taken++;
    }
    rates[i] = taken / others.length;
    tried += others.length;
    input.watch?.onTried?.(done + 1, order.length);
  }
  return { rates, tried };
}
