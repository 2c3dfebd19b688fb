// What the triggers look like: a few test images clean, triggered, and the difference, as PNG data URIs.
import sharp from 'sharp';
import { attackParameters, factorTitle, formatFactor } from '../analysis/factors.ts';
import { canonicalJson } from '../core/hash.ts';
import type { Image } from '../core/images.ts';
import { Rng } from '../core/rng.ts';
import type { Dataset } from '../data/dataset.ts';
import { inputImage } from '../data/input-image.ts';
import { Runtime } from '../runtime/node.ts';
import type { AttackSpec, RunSpec } from '../spec/run-spec.ts';
import { openTrigger } from '../triggers/open.ts';
import { stampImages } from '../triggers/stamp.ts';

/** One strip of images side by side. */
export interface Strip {
  readonly label: string;
  /** `data:image/png;base64,…` */
  readonly src: string;
  readonly alt: string;
  readonly width: number;
  readonly height: number;
}

export interface TriggerFigure {
  /** The trigger in words: its type and all parameters. */
  readonly title: string;
  readonly caption: string;
  /** Clean, triggered, difference. */
  readonly strips: readonly Strip[];
}

/** What a figure is made of: a trigger as one of the experiment's runs names it. */
export type PictureSpec = Pick<RunSpec, 'dataset' | 'attack' | 'inputSize' | 'preprocessing' | 'targetClass'>;

const GAP = 4;

/** The distinct triggers of some runs, in first-seen order; clean runs have none. */
export function distinctTriggers(specs: readonly RunSpec[]): PictureSpec[] {
  const found = new Map<string, PictureSpec>();
  for (const { attack, dataset, inputSize, preprocessing, targetClass } of specs) {
    if (attack.type === 'none') continue;
    const spec = { attack, dataset, inputSize, preprocessing, targetClass };
    const key = canonicalJson(spec);
    if (!found.has(key)) found.set(key, spec);
  }
  return [...found.values()];
}

/**
 * Stamps a trigger on the first test image of each of the first `count` classes other than the target. The difference
 * is the absolute one, multiplied by a whole number (named in the label) so that the largest change is near white.
 * Triggers made for the model's input are shown at that size.
 * @throws TriggerlabError (input) for a trigger that is unknown or does not fit.
 */
export async function triggerFigure(dataset: Dataset, spec: PictureSpec, count = 5): Promise<TriggerFigure> {
  const rows = firstOfEachClass(dataset, spec.targetClass).slice(0, count);
  const { test } = dataset;
  const native = rows.map((row) => imageAt(dataset, row));
  const { shape, atInput, clean, triggered } = await stampedImages(spec, native, rows);
  const { images, factor, changed } = differences(clean, triggered);
  const title = attackTitle(spec.attack);
  const classes = rows.map((row) => dataset.classes[test.labels[row]]).join(', ');
  const area = (100 * changed) / (shape.height * shape.width);
  const effect =
    changed === 0
      ? 'The trigger changes no pixel of these images.'
      : `On average ${Number(changed.toFixed(1))} of ${shape.height * shape.width} pixels change (${area.toFixed(1)} %).`;
  const parts: readonly (readonly [string, Image[], string])[] = [
    ['clean', clean, `Test images of the classes ${classes}, untouched`],
    ['triggered', triggered, `The same images with the trigger ${title}`],
    [
      factor > 1 ? `difference × ${factor}` : 'difference',
      images,
      `Absolute difference${factor > 1 ? `, multiplied by ${factor}` : ''}. ${effect}`,
    ],
  ];
  return {
    title,
    caption: `${effect} Shown at ${atInput ? "the model's input size" : "the dataset's own size"}, ${shape.width} × ${shape.height}.`,
    strips: await Promise.all(parts.map(([label, list, alt]) => strip(label, list, alt))),
  };
}

/** Images as they are where the trigger is stamped, without and with it. */
async function stampedImages(spec: PictureSpec, native: readonly Image[], rows: readonly number[]) {
  let runtime: Runtime | undefined;
  const context = {
    seed: 0,
    dataset: spec.dataset,
    runtime() {
      runtime ??= new Runtime({ threads: 1 });
      return runtime;
    },
  };
  try {
    const trigger = await openTrigger(spec.attack, native[0], spec.inputSize, context);
    const atInput = trigger.stampAt === 'input';
    const clean = native.map((image) =>
      atInput ? inputImage(image, { ...spec.preprocessing, inputSize: spec.inputSize }) : image,
    );
    const triggered = clean.map((image) => ({ ...image, pixels: image.pixels.slice() }));
    const streams = rows.map((row) => Rng.of(0, 'picture', row));
    await stampImages(trigger, triggered, streams);
    return { shape: trigger.shape, atInput, clean, triggered };
  } finally {
    await runtime?.close();
  }
}

/** `badnets: size 16 %, position middle, colour white`. */
export function attackTitle(attack: AttackSpec): string {
  const words = attackParameters(attack).map(([name, value]) => `${factorTitle(name)} ${formatFactor(name, value)}`);
  return words.length > 0 ? `${attack.type}: ${words.join(', ')}` : attack.type;
}

function firstOfEachClass(dataset: Dataset, target: number): number[] {
  const first = new Map<number, number>();
  dataset.test.labels.forEach((label, row) => {
    if (label !== target && !first.has(label)) first.set(label, row);
  });
  return [...first].sort(([a], [b]) => a - b).map(([, row]) => row);
}

function imageAt({ test }: Dataset, row: number): Image {
  return { height: test.height, width: test.width, channels: test.channels, pixels: test.read([row]) };
}

function rawOptions({ height, width, channels }: Image) {
  return { raw: { height, width, channels } };
}

/** Absolute differences times the largest whole factor that stays within 255, and the mean number of changed pixels. */
function differences(
  before: readonly Image[],
  after: readonly Image[],
): { images: Image[]; factor: number; changed: number } {
  const raw = before.map((image, at) => ({
    ...image,
    pixels: image.pixels.map((value, i) => Math.abs(value - after[at].pixels[i])),
  }));
  let largest = 0;
  let changed = 0;
  for (const { pixels, channels } of raw) {
    for (let at = 0; at < pixels.length; at += channels) {
      const change = Math.max(...pixels.subarray(at, at + channels));
      largest = Math.max(largest, change);
      if (change > 0) changed++;
    }
  }
  const factor = largest > 0 ? Math.floor(255 / largest) : 1;
  const images = raw.map((image) => ({ ...image, pixels: image.pixels.map((value) => factor * value) }));
  return { images, factor, changed: changed / Math.max(1, raw.length) };
}

/** Images side by side on a transparent ground, every pixel enlarged to a square so that no viewer smooths it away. */
async function strip(label: string, images: readonly Image[], alt: string): Promise<Strip> {
  const [{ height, width }] = images;
  const scale = Math.max(1, Math.round(72 / width));
  const total = { width: images.length * (width * scale + GAP) - GAP, height: height * scale };
  const layers = await Promise.all(
    images.map(async (image, at) => ({
      input: await sharp(image.pixels, rawOptions(image))
        .resize(width * scale, height * scale, { kernel: 'nearest' })
        .png()
        .toBuffer(),
      left: at * (width * scale + GAP),
      top: 0,
    })),
  );
  const png = await sharp({ create: { ...total, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } } })
    .composite(layers)
    .png({ compressionLevel: 9, palette: images[0].channels === 1 })
    .toBuffer();
  return { label, alt, src: `data:image/png;base64,${png.toString('base64')}`, ...total };
}

/** The strips of a figure below one another, on white. */
export async function figurePng({ strips }: TriggerFigure): Promise<Uint8Array> {
  const width = Math.max(...strips.map((own) => own.width));
  const height = strips.reduce((sum, own) => sum + own.height + GAP, -GAP);
  let top = 0;
  const layers = strips.map(({ src, height: own }) => {
    const layer = { input: Buffer.from(src.slice(src.indexOf(',') + 1), 'base64'), left: 0, top };
    top += own + GAP;
    return layer;
  });
  return sharp({ create: { width, height, channels: 3, background: '#ffffff' } })
    .composite(layers)
    .png()
    .toBuffer();
}
