// Poisoning in place: which training rows carry the trigger, and what a source of images looks like with it.
import { bytesPerImage, type Image } from '../core/images.ts';
import { Rng } from '../core/rng.ts';
import type { ImageSource } from '../data/dataset.ts';
import { type InputChain, inputImage } from '../data/input-image.ts';
import { stampImages } from '../triggers/stamp.ts';
import type { Trigger } from '../triggers/trigger.ts';

/**
 * The rows poisoned at a rate: the first of one seeded order, so that a smaller rate's rows are among a larger rate's.
 * Any class may be poisoned. At least one row for a rate above 0.
 */
export function poisonedRows(count: number, rate: number, seed: number): Int32Array {
  const rows = rate > 0 ? Math.max(1, Math.round(rate * count)) : 0;
  return Rng.of(seed, 'poisoned-rows').permutation(count).slice(0, rows);
}

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

export interface WithTriggerOptions {
  readonly seed: number;
  readonly split: 'train' | 'test';
  /** The label of the rows with the trigger; default: they keep their own. */
  readonly target?: number;
  /** How images come to input size, for triggers stamped there; default: resized as a spec without preprocessing says. */
  readonly input?: InputChain;
}

/**
 * `source` with the trigger on `rows` and, where `target` is given, their labels set to it.
 * Each image's own random stream is named by seed, split and row, so that it does not depend on the poisoning rate.
 */
export async function withTrigger(
  source: ImageSource,
  trigger: Trigger,
  rows: ArrayLike<number>,
  options: WithTriggerOptions,
): Promise<TriggeredSource> {
  const { height, width, channels, count } = source;
  const { input = { inputSize: trigger.shape.height } } = options;
  const triggeredRows = Array.from(rows);
  const labels = Uint16Array.from(source.labels);
  if (options.target !== undefined) for (const row of triggeredRows) labels[row] = options.target;
  const stream = (row: number) => Rng.of(options.seed, 'trigger', options.split, row);
  const stamped = trigger.stampAt === 'native' ? await stampedRows(source, trigger, triggeredRows, stream) : new Map();
  const bytes = bytesPerImage(source);
  return {
    ...{ height, width, channels, count, labels, triggeredRows },
    clean: source,
    read(wanted, out) {
      const result = source.read(wanted, out);
      for (let i = 0; i < wanted.length; i++) {
        const image = stamped.get(wanted[i]);
        if (image) result.set(image, i * bytes);
      }
      return result;
    },
    overlay:
      trigger.stampAt === 'input' ? await overlaysOf(source, trigger, triggeredRows, stream, input) : () => undefined,
  };
}

type StreamOf = (row: number) => Rng;

async function stampedRows(source: ImageSource, trigger: Trigger, rows: readonly number[], stream: StreamOf) {
  const { height, width, channels } = source;
  const bytes = bytesPerImage(source);
  const all = source.read(rows);
  const pixels = rows.map((_, i) => all.subarray(i * bytes, (i + 1) * bytes));
  await stampImages(
    trigger,
    pixels.map((own) => ({ height, width, channels, pixels: own })),
    rows.map(stream),
  );
  return new Map(rows.map((row, i) => [row, pixels[i]]));
}

/**
 * Patterns are drawn when they are asked for. Triggers of other kinds change 8-bit images of input size, which then lie over
 * the graph's own; those of networks are made at once and kept, which takes 3 bytes a pixel.
 */
async function overlaysOf(
  source: ImageSource,
  trigger: Trigger,
  rows: readonly number[],
  stream: StreamOf,
  input: InputChain,
): Promise<TriggeredSource['overlay']> {
  const triggered = new Set(rows);
  const { overlay } = trigger;
  if (overlay) return (row) => (triggered.has(row) ? overlay.draw(stream(row)) : undefined);
  const { height, width, channels } = source;
  const atInput = (row: number) => inputImage({ height, width, channels, pixels: source.read([row]) }, input);
  if ('applyAll' in trigger) {
    const images = rows.map(atInput);
    await stampImages(trigger, images, rows.map(stream));
    const made = new Map(rows.map((row, i) => [row, images[i]]));
    return (row) => opaque(made.get(row));
  }
  return (row) => {
    if (!triggered.has(row)) return undefined;
    const image = atInput(row);
    trigger.apply(image, stream(row));
    return opaque(image);
  };
}

function opaque(image: Image | undefined): Uint8Array | undefined {
  if (!image) return undefined;
  const rgba = new Uint8Array(4 * image.height * image.width).fill(255);
  for (let i = 0; i < rgba.length / 4; i++) rgba.set(image.pixels.subarray(3 * i, 3 * i + 3), 4 * i);
  return rgba;
}
