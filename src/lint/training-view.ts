// How often training augmentation takes a trigger away: random crops and parts that do not hold it.
import { createHash } from 'node:crypto';
import { bytesPerImage, type ImageShape } from '../core/images.ts';
import { Rng } from '../core/rng.ts';
import { type Augmentation, augmentation } from '../data/augment.ts';
import { everyRow, type ImageSource, memorySource } from '../data/dataset.ts';
import { withTrigger } from '../train/poisoned-set.ts';
import type { Trigger } from '../triggers/trigger.ts';
import type { Eye } from './eye.ts';
import type { Stage } from './settings.ts';

/** Draws for each image. */
const DRAWS = 8;

/** Shares of augmented training images without a trace of the trigger, whatever its colour. */
export class TrainingView {
  readonly #augmentation: Augmentation | undefined;
  readonly #images: ImageSource;
  readonly #known = new Map<string, number>();

  /** `images`: some on which the trigger changes every pixel that it can change. */
  constructor({ augmentation: given, preprocessing, inputSize }: Stage, shape: ImageShape, images: ImageSource) {
    this.#augmentation = augmentation(given, shape, inputSize, preprocessing);
    this.#images = images;
  }

  /**
   * Share in [0, 1] of image and draw pairs in which nothing of the trigger reaches the model. Undefined where training images
   * are not augmented, or the trigger is stamped after it. Triggers that lie in the same places are measured once.
   */
  async missing(eye: Eye, trigger: Trigger, seed: number): Promise<number | undefined> {
    if (!this.#augmentation || trigger.stampAt === 'input') return undefined;
    const footprints = await this.#footprints(trigger, seed);
    const key = createHash('sha256').update(footprints).digest('hex');
    const share = this.#known.get(key) ?? (await this.#measure(this.#augmentation, footprints, eye));
    this.#known.set(key, share);
    return share;
  }

  /** White where the trigger changes an image, black elsewhere. */
  async #footprints(trigger: Trigger, seed: number): Promise<Uint8Array> {
    const { channels } = this.#images;
    const rows = everyRow(this.#images);
    const before = this.#images.read(rows);
    const after = (await withTrigger(this.#images, trigger, rows, { seed, split: 'test' })).read(rows);
    const marks = new Uint8Array(before.length);
    for (let at = 0; at < before.length; at++) {
      if (before[at] === after[at]) continue;
      const position = at - (at % channels);
      marks.fill(255, position, position + channels);
    }
    return marks;
  }

  async #measure({ shape, atInputSize, apply }: Augmentation, footprints: Uint8Array, eye: Eye): Promise<number> {
    const own = bytesPerImage(this.#images);
    const bytes = bytesPerImage(shape);
    const { count } = this.#images;
    const drawn = new Uint8Array(DRAWS * count * bytes);
    for (let draw = 0; draw < DRAWS; draw++) {
      for (let row = 0; row < count; row++) {
        const image = footprints.slice(row * own, (row + 1) * own);
        drawn.set(apply(image, Rng.of(0, 'lint-augment', draw, row)), (draw * count + row) * bytes);
      }
    }
    const rows = Array.from({ length: DRAWS * count }, (_, row) => row);
    const tell = atInputSize
      ? (row: number) => drawn.subarray(row * bytes, (row + 1) * bytes).some((level) => level > 0)
      : await this.#seenAfter(drawn, rows, eye);
    return rows.filter((row) => !tell(row)).length / rows.length;
  }

  async #seenAfter(drawn: Uint8Array, rows: readonly number[], eye: Eye): Promise<(row: number) => boolean> {
    const { height, width, channels } = this.#images;
    const source = memorySource({ height, width, channels }, drawn, new Uint16Array(rows.length));
    const { data } = await eye.see(source, rows);
    const length = data.length / rows.length;
    return (row) => data.subarray(row * length, (row + 1) * length).some((level) => level >= 0.5 / 255);
  }
}
