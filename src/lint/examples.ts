// What a trigger does to one image, as pictures: on the dataset's own pixels, at the model's input, and the difference there.
import type { Image, ImageShape } from '../core/images.ts';
import { type ImageSource, memorySource } from '../data/dataset.ts';
import type { Runtime } from '../runtime/node.ts';
import { withTrigger } from '../train/poisoned-set.ts';
import { openTrigger } from '../triggers/open.ts';
import { type Eye, eyeOf } from './eye.ts';
import type { Setting, Stage } from './settings.ts';

/** One image and where it comes from. */
export interface ExampleImage {
  readonly source: ImageSource;
  readonly row: number;
  /** `test image 3 of class "7"`, or that it is synthetic. */
  readonly words: string;
}

export interface TriggerExample {
  readonly setting: Setting;
  /** The triggered image on the dataset's own pixels; undefined for a trigger that is stamped at the input. */
  readonly native: Image | undefined;
  /** The triggered image as the model sees it, rounded to 8 bits. */
  readonly seen: Image;
  /** Absolute difference to the clean image at the model's input: levels in [0, 255], not rounded, HWC. */
  readonly difference: Float32Array;
  /** Positions of the input where a channel differs by half a grey level or more. */
  readonly changed: number;
}

/** The first test image whose class is not the target; for a dataset that is not here a synthetic one of its shape. */
export function exampleImage(
  shape: ImageShape,
  dataset: { readonly test: ImageSource; readonly classes: readonly string[] } | undefined,
  target: number,
): ExampleImage {
  if (!dataset)
    return { source: syntheticImage(shape), row: 0, words: 'a synthetic image: the dataset is not on this machine' };
  const { test, classes } = dataset;
  const row = Math.max(
    0,
    test.labels.findIndex((label) => label !== target),
  );
  return { source: test, row, words: `test image ${row} of class “${classes[test.labels[row]]}”` };
}

/** A soft gradient with a disc: something on which black, white and green all show. */
function syntheticImage({ height, width, channels }: ImageShape): ImageSource {
  const pixels = new Uint8Array(height * width * channels);
  for (let i = 0; i < pixels.length; i++) {
    const [at, c] = [Math.floor(i / channels), i % channels];
    const [y, x] = [Math.floor(at / width) / height - 0.5, (at % width) / width - 0.5];
    const disc = Math.hypot(x, y) < 0.28 ? 50 : 0;
    pixels[i] = 130 + disc + 80 * (c === 0 ? x : c === 1 ? -0.5 * y : y);
  }
  return memorySource({ height, width, channels }, pixels, Uint16Array.of(0));
}

/**
 * What the settings of a stage do to an example.
 * @throws TriggerlabError (input) for a trigger that cannot be made here.
 */
export async function triggerExamples(
  stage: Stage,
  settings: readonly Setting[],
  { source, row }: ExampleImage,
  runtime: Runtime,
): Promise<TriggerExample[]> {
  const shape: ImageShape = { height: source.height, width: source.width, channels: source.channels };
  const examples: TriggerExample[] = [];
  for (const setting of settings) {
    const { attack, seed } = setting;
    const context = { seed, dataset: stage.dataset, runtime: () => runtime };
    const trigger = await openTrigger(attack, shape, stage.inputSize, context);
    const eye = eyeOf(stage, shape, runtime, trigger);
    const triggered = await withTrigger(source, trigger, [row], { seed, split: 'test', input: eye.chain });
    const before = (await eye.see(source, [row])).data;
    const after = (await eye.see(triggered, [row])).data;
    const { difference, changed } = differenceOf(before, after, eye);
    examples.push({
      setting,
      native: trigger.stampAt === 'native' ? { ...shape, pixels: triggered.read([row]) } : undefined,
      seen: pictureOf(after, eye),
      difference,
      changed,
    });
  }
  return examples;
}

/** Several triggers on native pixels, one over the other, on one image: as stamped and as the model sees it. */
export async function stampTogether(
  stage: Stage,
  settings: readonly Setting[],
  { source, row }: ExampleImage,
  runtime: Runtime,
): Promise<{ readonly stamped: Image; readonly seen: Image }> {
  const shape: ImageShape = { height: source.height, width: source.width, channels: source.channels };
  let pixels = source.read([row]);
  let eye: Eye | undefined;
  for (const { attack, seed } of settings) {
    const context = { seed, dataset: stage.dataset, runtime: () => runtime };
    const trigger = await openTrigger(attack, shape, stage.inputSize, context);
    const image = memorySource(shape, pixels, Uint16Array.of(0));
    pixels = (await withTrigger(image, trigger, [0], { seed, split: 'test' })).read([0]);
    eye ??= eyeOf(stage, shape, runtime, trigger);
  }
  if (!eye) throw new RangeError('stampTogether: no settings');
  const { data } = await eye.see(memorySource(shape, pixels, Uint16Array.of(0)), [0]);
  return { stamped: { ...shape, pixels }, seen: pictureOf(data, eye) };
}

/** Pixels in [0, 1], channels first → an 8-bit picture. */
function pictureOf(data: Float32Array, { inputSize: side }: Eye): Image {
  const pixels = new Uint8Array(3 * side * side);
  for (let i = 0; i < pixels.length; i++) {
    const level = Math.round(255 * data[(i % 3) * side * side + Math.floor(i / 3)]);
    pixels[i] = Math.max(0, Math.min(255, level));
  }
  return { height: side, width: side, channels: 3, pixels };
}

function differenceOf(before: Float32Array, after: Float32Array, { inputSize: side }: Eye) {
  const difference = new Float32Array(before.length);
  let changed = 0;
  for (let i = 0; i < side * side; i++) {
    let most = 0;
    for (let c = 0; c < 3; c++) {
      const at = c * side * side + i;
      difference[3 * i + c] = 255 * Math.abs(after[at] - before[at]);
      most = Math.max(most, difference[3 * i + c]);
    }
    if (most >= 0.5) changed++;
  }
  return { difference, changed };
}
