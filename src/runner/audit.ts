// The examination of a classifier that somebody hands over as an ONNX file: how it behaves, Neural Cleanse, the evidence.
import { TriggerlabError } from '../core/errors.ts';
import { tensor } from '../core/tensor.ts';
import { type ImageSource, memorySource } from '../data/dataset.ts';
import { UNLABELLED } from '../data/examined-images.ts';
import { FEWEST_CLASSES } from '../defenses/neural-cleanse/anomaly-index.ts';
import { type Calibration, calibrate } from '../defenses/neural-cleanse/calibration.ts';
import { type ClassFinding, type CleanseResult, neuralCleanse } from '../defenses/neural-cleanse/neural-cleanse.ts';
import type { FoundTrigger } from '../defenses/neural-cleanse/reverse-triggers.ts';
import type { CleanseSettings } from '../defenses/neural-cleanse/settings.ts';
import { camGraph } from '../explain/grad-cam.ts';
import { parseFreeze } from '../models/freeze.ts';
import type { ImportedModel, Normalization } from '../models/imported.ts';
import type { Runtime } from '../runtime/node.ts';
import { imageFeeds } from '../train/feeds.ts';
import { createNetwork, type Network } from '../train/network.ts';
import { predict, seenPixels, stateFeeds } from '../train/predict.ts';
import { type Behaviour, judge, type Verdict } from './audit-verdict.ts';

export interface AuditInput {
  readonly runtime: Runtime;
  readonly model: ImportedModel;
  readonly images: ImageSource;
  /** Names of the images' own classes; empty where they have none. */
  readonly imageClasses: readonly string[];
  /** Classes to examine as targets, numbers of the model's own. Default: all. */
  readonly classes?: readonly number[] | undefined;
  readonly settings: CleanseSettings;
  readonly seed: number;
  /** Seconds that it may take. */
  readonly budget: number;
  /** False-positive rate that the threshold is to have. */
  readonly rate: number;
  /** Sample images that a trigger is shown on. */
  readonly shown: number;
  readonly onProgress?: (share: number, what: string) => void;
}

/** The trigger of a class, on samples of other classes. */
export interface Evidence {
  readonly class: number;
  readonly trigger: FoundTrigger;
  readonly samples: readonly EvidenceSample[];
  /** Layer of the heat maps; undefined where the network has none to look at. */
  readonly layer: string | undefined;
}

/** Pixels float32 [3, S, S] in [0, 1], maps [S, S] in [0, 1] for the class. */
export interface EvidenceSample {
  readonly clean: Float32Array;
  readonly triggered: Float32Array;
  readonly cleanMap: Float32Array | undefined;
  readonly triggeredMap: Float32Array | undefined;
  /** Answers before and with the trigger. */
  readonly before: number;
  readonly after: number;
}

export interface Audit {
  readonly verdict: Verdict;
  readonly behaviour: Behaviour;
  /** How the labels of the images were matched to the model's classes. */
  readonly labels: 'by-name' | 'by-order' | 'none';
  /** What the model takes: pixels in [0, 1], less the mean, over the deviation. */
  readonly normalization: Normalization;
  /** Where that comes from; `accuracy`: the candidate under which most images are right. */
  readonly normalizationFrom: ImportedModel['normalizationFrom'] | 'accuracy';
  readonly result: CleanseResult;
  readonly calibration: Calibration | undefined;
  readonly evidence: readonly Evidence[];
  readonly side: number;
  readonly seconds: number;
}

/** Of the time allowed, what the search may take; the evidence needs the rest. */
const SEARCH_SHARE = 0.85;
const MOST_EVIDENCE = 3;

/** Ways in which pixels are commonly handed to a network. */
export const CANDIDATES: Readonly<Record<string, Normalization>> = {
  imagenet: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  unit: { mean: [0, 0, 0], std: [1, 1, 1] },
  symmetric: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
  byte: { mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] },
};

/** @throws TriggerlabError (input) for classes that are not there, or a network that no gradient leads through. */
export async function auditModel(input: AuditInput): Promise<Audit> {
  const started = performance.now();
  const elapsed = () => (performance.now() - started) / 1000;
  const { runtime, model, settings, seed, budget, rate } = input;
  const onProgress = input.onProgress ?? (() => {});
  const matched = matchLabels(input.images, input.imageClasses, model);
  const images = { ...input.images, labels: matched.labels };
  onProgress(0, 'looking at its answers');
  const chosen = await chooseNormalization(input, images);
  const network = await networkOf(model, images, chosen.normalization);
  const behaviour = await behaviourOf(runtime, network, images);
  const classes = input.classes ?? Array.from({ length: model.classes }, (_, i) => i);
  const result = await neuralCleanse({
    ...{ runtime, network, trained: {}, images, classes, settings, seed },
    watch: {
      onProgress: (share) => onProgress(0.95 * share, 'searching triggers'),
      shouldStop: () => elapsed() > SEARCH_SHARE * budget,
    },
  });
  const calibration = classes.length >= FEWEST_CLASSES ? calibrate(classes.length) : undefined;
  const verdict = judge({ result, calibration, behaviour, settings, rate, classes: model.classes });
  const evidence: Evidence[] = [];
  for (const of of worthShowing(result, verdict)) {
    if (elapsed() > budget) break;
    onProgress(0.97, 'drawing the evidence');
    const shown = await evidenceOf(input, network, images, of);
    if (shown) evidence.push(shown);
  }
  return {
    ...{ verdict, behaviour, labels: matched.how, ...chosen, result, calibration, evidence },
    ...{ side: model.inputSize, seconds: elapsed() },
  };
}

/** The model as a network with its own head. */
async function networkOf(model: ImportedModel, images: ImageSource, { mean, std }: Normalization): Promise<Network> {
  return createNetwork({
    model: { ...model, normalization: { mean, std } },
    dataset: { classes: Array.from({ length: model.classes }, String), train: images },
    ...{ inputSize: model.inputSize, init: 'pretrained', freeze: parseFreeze('head'), seed: 0, start: model.tensors() },
  });
}

function answersOf(runtime: Runtime, network: Network, images: ImageSource, rows: readonly number[]) {
  return predict(runtime, network, network.start, images, rows);
}

/** Labels as classes of the model: by name where it has names, by order where there are as many folders as classes. */
export function matchLabels(
  { labels }: ImageSource,
  imageClasses: readonly string[],
  { classes, classNames }: Pick<ImportedModel, 'classes' | 'classNames'>,
): { labels: Uint16Array; how: Audit['labels'] } {
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

/** Images that candidates are compared on. */
const COMPARED = 200;

/** Where the file does not say what pixels it takes, labels decide; without labels it stays a guess. */
async function chooseNormalization(
  { model, runtime }: AuditInput,
  images: ImageSource,
): Promise<Pick<Audit, 'normalization' | 'normalizationFrom'>> {
  const { normalization, normalizationFrom } = model;
  const rows = rowsWithLabel(images).slice(0, COMPARED);
  if (normalizationFrom !== 'guess' || rows.length === 0) return { normalization, normalizationFrom };
  let best = { normalization, right: -1 };
  for (const candidate of Object.values(CANDIDATES)) {
    const answers = await answersOf(runtime, await networkOf(model, images, candidate), images, rows);
    const right = answers.reduce((sum, answer, i) => sum + (answer === images.labels[rows[i]] ? 1 : 0), 0);
    if (right > best.right) best = { normalization: candidate, right };
  }
  return { normalization: best.normalization, normalizationFrom: 'accuracy' };
}

function rowsWithLabel({ labels, count }: ImageSource): number[] {
  return Array.from({ length: count }, (_, row) => row).filter((row) => labels[row] !== UNLABELLED);
}

/** Images that its behaviour is measured on at most. */
const WATCHED = 1000;

async function behaviourOf(runtime: Runtime, network: Network, images: ImageSource): Promise<Behaviour> {
  const rows = Array.from({ length: Math.min(images.count, WATCHED) }, (_, row) => row);
  const answers = await answersOf(runtime, network, images, rows);
  const counts = new Uint32Array(network.classes);
  for (const answer of answers) counts[answer]++;
  const labelled = rows.filter((row) => images.labels[row] !== UNLABELLED);
  const right = labelled.filter((row) => answers[row] === images.labels[row]).length;
  return {
    accuracy: labelled.length > 0 ? right / labelled.length : undefined,
    ...{ labelled: labelled.length, images: rows.length, commonest: Math.max(...counts) / rows.length },
    answers: counts.filter((count) => count > 0).length,
  };
}

/** The suspicious classes; where there are none, the one with the smallest mask, so that people see what was weighed. */
function worthShowing({ classes }: CleanseResult, { suspicious }: Verdict): ClassFinding[] {
  if (suspicious.length > 0) return classes.filter((one) => suspicious.includes(one.class)).slice(0, MOST_EVIDENCE);
  const found = classes.filter(({ trigger }) => trigger !== undefined);
  return found.sort((a, b) => (a.trigger?.norm ?? 0) - (b.trigger?.norm ?? 0)).slice(0, 1);
}

/** The trigger on samples that are taken for other classes, stamped on whole levels as a real one would be. */
async function evidenceOf(
  { runtime, shown, model }: AuditInput,
  network: Network,
  images: ImageSource,
  finding: ClassFinding,
): Promise<Evidence | undefined> {
  const { trigger } = finding;
  if (!trigger) return undefined;
  const side = model.inputSize;
  const rows = Array.from({ length: Math.min(images.count, 4 * shown) }, (_, row) => row);
  const answers = await answersOf(runtime, network, images, rows);
  const others = rows.filter((_, i) => answers[i] !== finding.class).slice(0, shown);
  if (others.length === 0) return undefined;
  const { data } = await seenPixels(runtime, network, images, others);
  const size = 3 * side * side;
  const clean = others.map((_, i) => (data as Float32Array).slice(i * size, (i + 1) * size));
  const triggered = clean.map((pixels) => stamped(pixels, trigger.planes));
  const source = bytesOf([...clean, ...triggered], side);
  const whole = await networkOf(model, source, network.preprocessing);
  const all = Array.from({ length: source.count }, (_, row) => row);
  const after = await answersOf(runtime, whole, source, all);
  const maps = await heatMaps(runtime, whole, source, finding.class);
  const n = others.length;
  return {
    ...{ class: finding.class, trigger, layer: maps?.layer },
    samples: clean.map((pixels, i) => ({
      ...{ clean: pixels, triggered: triggered[i], before: after[i], after: after[n + i] },
      ...{ cleanMap: maps?.maps[i], triggeredMap: maps?.maps[n + i] },
    })),
  };
}

/** (1 − m) · x + m · pattern on [3, S, S]. */
function stamped(pixels: Float32Array, planes: Float32Array): Float32Array {
  const area = pixels.length / 3;
  return pixels.map((value, i) => value + planes[i % area] * (planes[area + i] - value));
}

/** Planes [3, S, S] in [0, 1] as 8-bit images. */
function bytesOf(images: readonly Float32Array[], side: number): ImageSource {
  const area = side * side;
  const pixels = new Uint8Array(images.length * 3 * area);
  images.forEach((planes, n) => {
    for (let i = 0; i < area; i++)
      for (let c = 0; c < 3; c++) pixels[(n * area + i) * 3 + c] = Math.round(255 * planes[c * area + i]);
  });
  const labels = new Uint16Array(images.length).fill(UNLABELLED);
  return memorySource({ height: side, width: side, channels: 3 }, pixels, labels);
}

/** Grad-CAM for one class; undefined for networks without maps to look at. */
async function heatMaps(
  runtime: Runtime,
  network: Network,
  source: ImageSource,
  of: number,
): Promise<{ layer: string; maps: Float32Array[] } | undefined> {
  let cam: ReturnType<typeof camGraph>;
  try {
    cam = camGraph(network);
  } catch (error) {
    if (error instanceof TriggerlabError && error.kind === 'input') return undefined;
    throw error;
  }
  const session = await runtime.open(cam.graph);
  const maps: Float32Array[] = [];
  for (let row = 0; row < source.count; row++) {
    const labels = tensor('int64', [1], BigInt64Array.of(BigInt(of)));
    const feeds = imageFeeds(source, [row], network.preprocessing);
    const { map } = await session.run({ ...stateFeeds(network, network.start), ...feeds, labels });
    maps.push(map.data as Float32Array);
  }
  return { layer: cam.layer.name, maps };
}
