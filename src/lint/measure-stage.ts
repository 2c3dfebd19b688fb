// Measures every trigger of a stage: on test images of the dataset, or on noise of its shape where they are not here.
import { createHash } from 'node:crypto';
import { TriggerlabError } from '../core/errors.ts';
import type { ImageShape } from '../core/images.ts';
import { Rng } from '../core/rng.ts';
import { type ImageSource, memorySource } from '../data/dataset.ts';
import type { Runtime } from '../runtime/node.ts';
import { withTrigger } from '../train/poisoned-set.ts';
import { openTrigger, overlayInGraph } from '../triggers/open.ts';
import type { Trigger } from '../triggers/trigger.ts';
import { type Eye, eyeOf } from './eye.ts';
import type { Measured } from './rules.ts';
import type { Setting, Stage } from './settings.ts';
import { measureSurvival } from './survival.ts';
import { TrainingView } from './training-view.ts';

/** Test images that native pixels are compared on; triggers made by networks are dear and get fewer. */
const NATIVE_IMAGES = 500;
const NETWORK_IMAGES = 64;
/** Images that go through the graph, and the input pixels that they may have together. */
const SEEN_IMAGES = 100;
const SEEN_PIXELS = 2_500_000;
const NOISE_IMAGES = 8;

/** A trigger that cannot be checked, why, and what to do about it. */
export interface Unchecked {
  readonly setting: Setting;
  readonly reason: string;
  readonly hint: string | undefined;
}

export interface StageMeasures {
  readonly measured: readonly Measured[];
  readonly unchecked: readonly Unchecked[];
}

export interface MeasureOptions {
  readonly runtime: Runtime;
  /** Shape of the dataset's images, rewritten where the stage says so. */
  readonly shape: ImageShape;
  /** Its test images; undefined where they are not here. */
  readonly test: ImageSource | undefined;
  readonly onSetting?: (() => void) | undefined;
}

export async function measureStage(stage: Stage, options: MeasureOptions): Promise<StageMeasures> {
  const { runtime, shape, test, onSetting } = options;
  const noise = noiseImages(shape);
  const source = test ?? noise;
  const rows = spreadRows(source.count, NATIVE_IMAGES);
  const eyes = new Map<number | undefined, Eye>();
  const training = new TrainingView(stage, shape, noise);
  const measured: Measured[] = [];
  const unchecked: Unchecked[] = [];
  for (const setting of stage.settings) {
    onSetting?.();
    try {
      const { attack, seed } = setting;
      const context = { seed, dataset: stage.dataset, runtime: () => runtime };
      const trigger = await openTrigger(attack, shape, stage.inputSize, context);
      const opacity = overlayInGraph(trigger)?.opacity;
      const eye = eyes.get(opacity) ?? eyeOf(stage, shape, runtime, trigger);
      eyes.set(opacity, eye);
      const some = 'applyAll' in trigger ? rows.slice(0, NETWORK_IMAGES) : rows;
      const seenRows = Math.max(32, Math.min(SEEN_IMAGES, Math.floor(SEEN_PIXELS / stage.inputSize ** 2)));
      const survival = await measureSurvival(eye, source, trigger, { rows: some, seenRows, seed });
      const missingInTraining = await training.missing(eye, trigger, seed);
      measured.push({ setting, survival, missingInTraining, digest: await digestOf(eye, noise, trigger, seed) });
    } catch (error) {
      if (!(error instanceof TriggerlabError)) throw error;
      unchecked.push({ setting, reason: error.message, hint: error.hint });
    }
  }
  return { measured, unchecked };
}

/** Rows from all over a source: with a fixed seed, so that a class-by-class order does no harm. */
function spreadRows(count: number, wanted: number): number[] {
  return [...Rng.of(0, 'lint-rows').permutation(count).subarray(0, wanted)];
}

/** Images on which hardly a trigger can hide: every level but black and white occurs everywhere. */
function noiseImages({ height, width, channels }: ImageShape): ImageSource {
  const rng = Rng.of(0, 'lint-noise');
  const pixels = Uint8Array.from({ length: NOISE_IMAGES * height * width * channels }, () => rng.int(1, 254));
  return memorySource({ height, width, channels }, pixels, new Uint16Array(NOISE_IMAGES));
}

/** What a trigger does to the noise images, in a word. */
async function digestOf(eye: Eye, noise: ImageSource, trigger: Trigger, seed: number): Promise<string> {
  const rows = Array.from({ length: noise.count }, (_, row) => row);
  const triggered = await withTrigger(noise, trigger, rows, { seed, split: 'test', input: eye.chain });
  const hash = createHash('sha256').update(trigger.stampAt);
  if (trigger.stampAt === 'native') return hash.update(triggered.read(rows)).digest('hex');
  const { data } = await eye.see(triggered, rows);
  return hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)).digest('hex');
}
