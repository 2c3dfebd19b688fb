// What a source of images looks like once some of its rows carry a trigger.
import { bytesPerImage, type Image } from '../core/images.ts';
import { Rng } from '../core/rng.ts';
import type { ImageSource } from '../data/dataset.ts';
import { type InputChain, inputImage } from '../data/input-image.ts';
import { stampImages } from '../triggers/stamp.ts';
import type { Trigger } from '../triggers/trigger.ts';
import type { Stamp } from './poison.ts';

/** Images where some rows carry a trigger. */
export interface TriggeredSource extends ImageSource {
  /** The images without it. */
  readonly clean: ImageSource;
  readonly triggeredRows: ArrayLike<number> & Iterable<number>;
  /**
   * What the graph lays over a row at input size, not to be changed: RGBA bytes, as the input `overlay` of
   * data/preprocessing.ts takes them. Undefined for rows without a trigger and for triggers on native pixels, which `read` gives.
   */
  overlay(row: number): Uint8Array | undefined;
}

export interface StampingOptions {
  readonly seed: number;
  readonly split: 'train' | 'test';
  /** The step of training, where noise images are drawn anew for each. */
  readonly step?: number;
  /** How images come to input size, for triggers stamped there; default: resized as a spec without preprocessing says. */
  readonly input?: InputChain;
}

export interface WithTriggerOptions extends StampingOptions {
  /** The label of the rows with the trigger; default: they keep their own. */
  readonly target?: number;
}

/** `source` with the trigger on `rows` and, where `target` is given, their labels set to it: see `withStamps`. */
export function withTrigger(
  source: ImageSource,
  trigger: Trigger,
  rows: ArrayLike<number>,
  options: WithTriggerOptions,
): Promise<TriggeredSource> {
  const stamps = Array.from(rows, (row): Stamp => ({ row, mode: 'attack', label: options.target }));
  return withStamps(source, trigger, stamps, options);
}

/**
 * `source` with some rows changed. Each image's own random stream is named by seed, split, row and whether it is noise, so that
 * it does not depend on the poisoning rate.
 */
export async function withStamps(
  source: ImageSource,
  trigger: Trigger,
  stamps: readonly Stamp[],
  options: StampingOptions,
): Promise<TriggeredSource> {
  const { height, width, channels, count } = source;
  const { input = { inputSize: trigger.shape.height } } = options;
  const labels = Uint16Array.from(source.labels);
  for (const { row, label = source.labels[row] } of stamps) labels[row] = label;
  const stamped = new Map<number, Uint8Array>();
  const overlays: TriggeredSource['overlay'][] = [];
  for (const { form, own } of byForm(trigger, stamps)) {
    const given: Stamping = { source, form, stamps: own, stream: (stamp) => streamOf(stamp, options), input };
    if (form.stampAt === 'input') overlays.push(await overlaysOf(given));
    else await stampRows(given, stamped);
  }
  const bytes = bytesPerImage(source);
  return {
    ...{ height, width, channels, count, labels },
    clean: source,
    triggeredRows: stamps.map(({ row }) => row),
    read(wanted, out) {
      const result = source.read(wanted, out);
      for (let i = 0; i < wanted.length; i++) {
        const image = stamped.get(wanted[i]);
        if (image) result.set(image, i * bytes);
      }
      return result;
    },
    overlay(row) {
      for (const overlay of overlays) {
        const over = overlay(row);
        if (over) return over;
      }
      return undefined;
    },
  };
}

/** The random stream of a changed image. */
export function streamOf({ row, mode }: Stamp, { seed, split, step }: StampingOptions): Rng {
  if (mode !== 'noise') return Rng.of(seed, 'trigger', split, row);
  return Rng.of(seed, 'noise', split, row, ...(step === undefined ? [] : [step]));
}

/** The rows that get the trigger, and those that get its noise form. */
export function byForm(trigger: Trigger, stamps: readonly Stamp[]): { form: Trigger; own: readonly Stamp[] }[] {
  const noise = stamps.filter(({ mode }) => mode === 'noise');
  if (noise.length === 0) return [{ form: trigger, own: stamps }];
  if (!trigger.noise) throw new Error('withStamps: this trigger has no noise form');
  return [
    { form: trigger, own: stamps.filter(({ mode }) => mode !== 'noise') },
    { form: trigger.noise.form, own: noise },
  ];
}

interface Stamping {
  readonly source: ImageSource;
  readonly form: Trigger;
  readonly stamps: readonly Stamp[];
  readonly stream: (stamp: Stamp) => Rng;
  readonly input: InputChain;
}

async function stampRows({ source, form, stamps, stream }: Stamping, into: Map<number, Uint8Array>): Promise<void> {
  const { height, width, channels } = source;
  const bytes = bytesPerImage(source);
  const all = source.read(stamps.map(({ row, pixelsOf = row }) => pixelsOf));
  const pixels = stamps.map((_, i) => all.subarray(i * bytes, (i + 1) * bytes));
  await stampImages(
    form,
    pixels.map((own) => ({ height, width, channels, pixels: own })),
    stamps.map(stream),
  );
  stamps.forEach(({ row }, i) => {
    into.set(row, pixels[i]);
  });
}

/**
 * Patterns are drawn when they are asked for. Triggers of other kinds change 8-bit images of input size, which then lie over
 * the graph's own; those of networks are made at once and kept, which takes 3 bytes a pixel.
 */
async function overlaysOf({ source, form, stamps, stream, input }: Stamping): Promise<TriggeredSource['overlay']> {
  const byRow = new Map(stamps.map((stamp) => [stamp.row, stamp]));
  const over = (draw: (stamp: Stamp) => Uint8Array) => (row: number) => {
    const stamp = byRow.get(row);
    return stamp && draw(stamp);
  };
  const { overlay } = form;
  if (overlay) return over((stamp) => overlay.draw(stream(stamp)));
  const { height, width, channels } = source;
  const atInput = ({ row, pixelsOf = row }: Stamp) =>
    inputImage({ height, width, channels, pixels: source.read([pixelsOf]) }, input);
  if ('applyAll' in form) {
    const images = stamps.map(atInput);
    await stampImages(form, images, stamps.map(stream));
    const made = new Map(stamps.map((stamp, i) => [stamp, images[i]]));
    return over((stamp) => opaque(made.get(stamp) as Image));
  }
  return over((stamp) => {
    const image = atInput(stamp);
    form.apply(image, stream(stamp));
    return opaque(image);
  });
}

function opaque(image: Image): Uint8Array {
  const rgba = new Uint8Array(4 * image.height * image.width).fill(255);
  for (let i = 0; i < rgba.length / 4; i++) rgba.set(image.pixels.subarray(3 * i, 3 * i + 3), 4 * i);
  return rgba;
}
