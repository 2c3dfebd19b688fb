// What is left of a trigger at a network's input: measured on images, through the preprocessing graph that training uses.
import { bytesPerImage, type ImageShape } from '../core/images.ts';
import type { ImageSource } from '../data/dataset.ts';
import { withTrigger } from '../train/poisoned-set.ts';
import type { StampAt, Trigger } from '../triggers/trigger.ts';
import type { Eye, SeenImages } from './eye.ts';

/** How a trigger changes images. */
export interface Change {
  /** Size of the images that were compared. */
  readonly shape: ImageShape;
  readonly images: number;
  /** Mean number of positions (y, x) per image where a channel differs by half a grey level or more. */
  readonly pixels: number;
  /** Share in [0, 1] of images without such a position. */
  readonly unchanged: number;
  /** Root of the mean squared difference over all images, positions and channels; scale [0, 1]. */
  readonly rms: number;
  /** The largest difference; scale [0, 1]. */
  readonly largest: number;
}

export interface Survival {
  readonly stampAt: StampAt;
  /** On the dataset's own pixels; undefined for a trigger that is stamped at the input. */
  readonly native: Change | undefined;
  /** At the network's input, in evaluation. */
  readonly seen: Change;
  /**
   * Mean squared difference at the input as a share of that on native pixels: below 1 where resizing averages the trigger away or
   * a crop cuts it off, above 1 where a crop leaves it a larger part of the image. 1 for a trigger that is stamped at the input.
   */
  readonly energyKept: number;
  /** Share of the trigger's native pixels that the network's input shows at all; whatever their colour. 1 at the input. */
  readonly inView: number;
}

/** Half a grey level: what 8-bit pixels could not tell. */
const THRESHOLD = 0.5 / 255;
/** Images in the graph at a time: about 15 MB of input pixels. */
const CHUNK_PIXELS = 1_250_000;

export interface SurvivalOptions {
  /** Rows of the source to stamp. */
  readonly rows: readonly number[];
  /** How many of them go through the graph, from the first one on. */
  readonly seenRows: number;
  /** Seed of the images' random streams, as in a run. */
  readonly seed: number;
}

/** Stamps test images and compares them before and after preprocessing. Deterministic. */
export async function measureSurvival(
  eye: Eye,
  source: ImageSource,
  trigger: Trigger,
  { rows, seenRows, seed }: SurvivalOptions,
): Promise<Survival> {
  const triggered = await withTrigger(source, trigger, rows, { seed, split: 'test', input: eye.chain });
  const native = trigger.stampAt === 'native' ? new Tally(source, 255) : undefined;
  const footprint = new Float64Array(source.height * source.width);
  const untouched = new Set<number>();
  if (native) {
    const bytes = bytesPerImage(source);
    const [before, after] = [source.read(rows), triggered.read(rows)];
    rows.forEach((row, i) => {
      const [from, to] = [i * bytes, (i + 1) * bytes];
      const changed = native.add(before.subarray(from, to), after.subarray(from, to), footprint);
      if (changed === 0) untouched.add(row);
    });
  }
  const seen = new Tally({ height: eye.inputSize, width: eye.inputSize, channels: 3 }, 1);
  const looked = rows.slice(0, seenRows);
  const chunk = Math.max(1, Math.floor(CHUNK_PIXELS / eye.inputSize ** 2));
  const touched = looked.filter((row) => !untouched.has(row));
  for (let at = 0; at < touched.length; at += chunk) {
    const some = touched.slice(at, at + chunk);
    seen.addAll(await eye.see(source, some), await eye.see(triggered, some));
  }
  seen.skip(looked.length - touched.length);
  const nativeChange = native?.result();
  const seenChange = seen.result();
  return {
    stampAt: trigger.stampAt,
    native: nativeChange,
    seen: seenChange,
    energyKept: nativeChange === undefined || nativeChange.rms === 0 ? 1 : (seenChange.rms / nativeChange.rms) ** 2,
    inView: nativeChange === undefined ? 1 : await eye.shareInView(footprint),
  };
}

/** Adds up the differences of pairs of images. */
class Tally {
  readonly #shape: ImageShape;
  readonly #scale: number;
  #images = 0;
  #unchanged = 0;
  #pixels = 0;
  #squares = 0;
  #largest = 0;

  /** `scale`: the value of white. */
  constructor({ height, width, channels }: ImageShape, scale: number) {
    this.#shape = { height, width, channels };
    this.#scale = scale;
  }

  /** One image, its channels last; `footprint` counts changes per position. Returns the number of changed positions. */
  add(before: Uint8Array, after: Uint8Array, footprint: Float64Array): number {
    const { height, width, channels } = this.#shape;
    return this.#add(before, after, { first: 0, positions: height * width, step: channels, channelStep: 1 }, footprint);
  }

  /** Images with their channels first. */
  addAll(before: SeenImages, after: SeenImages): void {
    const { height, width, channels } = this.#shape;
    const positions = height * width;
    for (let n = 0; n < before.count; n++) {
      const layout = { first: n * channels * positions, positions, step: 1, channelStep: positions };
      this.#add(before.data, after.data, layout);
    }
  }

  /** Images that are known to be the same before and after. */
  skip(images: number): void {
    this.#images += images;
    this.#unchanged += images;
  }

  #add(
    before: Uint8Array | Float32Array,
    after: Uint8Array | Float32Array,
    { first, positions, step, channelStep }: Record<'first' | 'positions' | 'step' | 'channelStep', number>,
    footprint?: Float64Array,
  ): number {
    const { channels } = this.#shape;
    let changed = 0;
    for (let i = 0; i < positions; i++) {
      let most = 0;
      for (let c = 0; c < channels; c++) {
        const at = first + i * step + c * channelStep;
        const difference = Math.abs(after[at] - before[at]) / this.#scale;
        this.#squares += difference * difference;
        if (difference > most) most = difference;
      }
      if (most < THRESHOLD) continue;
      changed++;
      if (footprint) footprint[i]++;
      if (most > this.#largest) this.#largest = most;
    }
    this.#images++;
    this.#pixels += changed;
    if (changed === 0) this.#unchanged++;
    return changed;
  }

  result(): Change {
    const { height, width, channels } = this.#shape;
    const images = Math.max(1, this.#images);
    return {
      shape: this.#shape,
      images: this.#images,
      pixels: this.#pixels / images,
      unchanged: this.#unchanged / images,
      rms: Math.sqrt(this.#squares / (images * height * width * channels)),
      largest: this.#largest,
    };
  }
}
