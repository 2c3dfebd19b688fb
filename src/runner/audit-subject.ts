// What an audit examines: the model as a network, the labels of the images, the pixels that it takes, and how it answers.
import { inputError, TriggerlabError } from '../core/errors.ts';
import { Rng } from '../core/rng.ts';
import type { ImageSource } from '../data/dataset.ts';
import { UNLABELLED } from '../data/examined-images.ts';
import { parseFreeze } from '../models/freeze.ts';
import type { ImportedModel, Normalization } from '../models/imported.ts';
import type { Runtime } from '../runtime/node.ts';
import { createNetwork, type Network } from '../train/network.ts';
import { predict } from '../train/predict.ts';
import type { Behaviour } from './audit-verdict.ts';

/** Ways in which pixels are commonly handed to a network. */
export const CANDIDATES: Readonly<Record<string, Normalization>> = {
  imagenet: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  unit: { mean: [0, 0, 0], std: [1, 1, 1] },
  symmetric: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
  byte: { mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] },
};

/** The model as a network with its own head. */
export async function networkOf(
  model: ImportedModel,
  images: ImageSource,
  { mean, std }: Normalization,
): Promise<Network> {
  return createNetwork({
    model: { ...model, normalization: { mean, std } },
    dataset: { classes: Array.from({ length: model.classes }, String), train: images },
    ...{ inputSize: model.inputSize, init: 'pretrained', freeze: parseFreeze('head'), seed: 0, start: model.tensors() },
  });
}

/** @throws TriggerlabError (input) when the model answers with numbers that are not finite. */
export async function answersOf(
  runtime: Runtime,
  network: Network,
  images: ImageSource,
  rows: readonly number[],
): Promise<Uint16Array> {
  try {
    return await predict(runtime, network, network.start, images, rows);
  } catch (error) {
    if (!(error instanceof TriggerlabError) || !/not finite/.test(error.message)) throw error;
    throw inputError('the model answers with numbers that are not finite', {
      hint: 'Its weights are damaged, or its pixels are other ones: --normalize says which.',
      cause: error,
    });
  }
}

/** Images whose answers are looked at in one go: between two of these the clock is. */
const AT_ONCE = 50;

/** Answers in the order of `rows`, until `stop` says so; at least to the first of them. */
async function answersUntil(
  runtime: Runtime,
  network: Network,
  images: ImageSource,
  rows: readonly number[],
  { stop, onDone }: { readonly stop: () => boolean; readonly onDone: (done: number) => void },
): Promise<number[]> {
  const answers: number[] = [];
  while (answers.length < rows.length && (answers.length === 0 || !stop())) {
    const some = rows.slice(answers.length, answers.length + AT_ONCE);
    answers.push(...(await answersOf(runtime, network, images, some)));
    onDone(answers.length);
  }
  return answers;
}

export type LabelMatch = 'by-name' | 'by-order' | 'none';

/** Labels as classes of the model: by name where it has names, by order where there are as many folders as classes. */
export function matchLabels(
  { labels }: ImageSource,
  imageClasses: readonly string[],
  { classes, classNames }: Pick<ImportedModel, 'classes' | 'classNames'>,
): { labels: Uint16Array; how: LabelMatch } {
  const plain = (name: string) =>
    name
      .trim()
      .toLowerCase()
      .replace(/[\s_-]+/g, ' ');
  const renamed = (to: readonly number[]) =>
    Uint16Array.from(labels, (label) => (label < imageClasses.length && to[label] >= 0 ? to[label] : UNLABELLED));
  const names = classNames?.map(plain);
  const byName = imageClasses.map((name) => names?.indexOf(plain(name)) ?? -1);
  if (byName.some((at) => at >= 0)) return { labels: renamed(byName), how: 'by-name' };
  if (imageClasses.length === classes) return { labels: renamed(imageClasses.map((_, i) => i)), how: 'by-order' };
  return { labels: labels.map(() => UNLABELLED), how: 'none' };
}

/** What pixels the model takes, and what says so; `accuracy`: the candidate under which most images are right. */
export interface ChosenPixels {
  readonly normalization: Normalization;
  readonly normalizationFrom: ImportedModel['normalizationFrom'] | 'accuracy';
}

/** What an audit asks of the clock, and tells. */
export interface Watched {
  readonly stop: () => boolean;
  readonly onProgress: (what: string, done: number, total: number) => void;
}

/** Images that candidates are compared on. */
const COMPARED = 200;

/** Where the file does not say what pixels it takes, labels decide; without labels it stays a guess. */
export async function choosePixels(
  runtime: Runtime,
  model: ImportedModel,
  images: ImageSource,
  seed: number,
  { stop, onProgress }: Watched,
): Promise<ChosenPixels> {
  const { normalization, normalizationFrom } = model;
  const drawn = Array.from(Rng.of(seed, 'audit-pixels').permutation(images.count));
  const rows = drawn.filter((row) => images.labels[row] !== UNLABELLED).slice(0, COMPARED);
  if (normalizationFrom !== 'guess' || rows.length === 0) return { normalization, normalizationFrom };
  const candidates = Object.values(CANDIDATES);
  let best = { normalization, right: -1 };
  // All are compared on as many images as there is time for with the first.
  let compared = rows.length;
  for (const [i, candidate] of candidates.entries()) {
    const answers = await answersUntil(
      runtime,
      await networkOf(model, images, candidate),
      images,
      rows.slice(0, compared),
      {
        stop: () => i === 0 && stop(),
        onDone: (done) =>
          onProgress('comparing kinds of pixels', i * rows.length + done, candidates.length * rows.length),
      },
    );
    compared = answers.length;
    const right = answers.filter((answer, at) => answer === images.labels[rows[at]]).length;
    if (right > best.right) best = { normalization: candidate, right };
  }
  return { normalization: best.normalization, normalizationFrom: 'accuracy' };
}

/** Images that its behaviour is measured on at most. */
const WATCHED = 1000;

export interface Watching {
  readonly behaviour: Behaviour;
  /** Whether all images that were to be looked at have been. */
  readonly complete: boolean;
  /** Seconds per image, forward. */
  readonly perImage: number;
}

/** How it answers, measured on images drawn by the seed as far as the time goes. */
export async function behaviourOf(
  runtime: Runtime,
  network: Network,
  images: ImageSource,
  seed: number,
  { stop, onProgress }: Watched,
): Promise<Watching> {
  const rows = Array.from(Rng.of(seed, 'audit-behaviour').permutation(images.count).subarray(0, WATCHED));
  const began = performance.now();
  const answers = await answersUntil(runtime, network, images, rows, {
    stop,
    onDone: (done) => onProgress('looking at its answers', done, rows.length),
  });
  const counts = new Uint32Array(network.classes);
  for (const answer of answers) counts[answer]++;
  const looked = rows.slice(0, answers.length);
  const labelled = looked.filter((row) => images.labels[row] !== UNLABELLED).length;
  const right = looked.filter((row, i) => answers[i] === images.labels[row]).length;
  return {
    behaviour: {
      ...(labelled > 0 && { accuracy: right / labelled }),
      ...{ labelled, images: looked.length, commonest: Math.max(...counts) / looked.length },
      answers: counts.filter((count) => count > 0).length,
    },
    complete: looked.length === rows.length,
    perImage: (performance.now() - began) / 1000 / looked.length,
  };
}
