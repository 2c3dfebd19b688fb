// What a trigger is to the rest of the program: image in, image out, on native pixels or at the model's input size.
import type { z } from 'zod';
import type { Image, ImageShape } from '../core/images.ts';
import type { Rng } from '../core/rng.ts';
import type { Runtime } from '../runtime/node.ts';

/** Where a trigger meets the image: on the dataset's own pixels, or after the resize to the model's input. */
export type StampAt = 'native' | 'input';

/** A rectangle in pixels; `top`/`left` count from 0 at the upper left corner. */
export interface Box {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/**
 * A trigger bound to its parameters and to the shape of the images it will meet. It stamps images one at a time
 * (`apply`) or, where that would be wasteful, many at once (`applyAll`); `stampImages` calls the one that there is.
 * Either way the result for an image depends on that image and its stream alone, never on the others or on their order.
 */
export type Trigger = TriggerBase & (PerImage | Batched);

interface TriggerBase {
  readonly stampAt: StampAt;
  readonly shape: ImageShape;
  /**
   * For triggers that blend a pattern in: the pattern. At input size the graph blends it, so that pixels which the pattern
   * does not cover keep their exact values. Without it a trigger stamped at input size gets 8-bit images of that size.
   */
  readonly overlay?: Overlay;
  /** Another form of the trigger, put on training images that keep their own label (WaNet's noise mode). */
  readonly noise?: NoiseForm;
}

interface PerImage {
  /** Stamps one image of `shape` in place. `rng` is that image's own stream: the same image always gets the same trigger. */
  apply(image: Image, rng: Rng): void;
}

interface Batched {
  /** Stamps images of `shape` in place, each with its own stream: for triggers that are made by a network. */
  applyAll(images: readonly Image[], streams: readonly Rng[]): Promise<void>;
}

export interface NoiseForm {
  readonly form: Trigger;
  /** Noise images for each attacked one. */
  readonly perAttack: number;
  /** Whose pixels a noise image has: its own, or (a slip of published code) those of another row. */
  readonly pixels: 'own' | 'others';
}

/** A pattern that is blended over an image: x' = (1 − a)·x + a·pattern, a = opacity · coverage / 255. */
export interface Overlay {
  /** Share of the pattern in the blend where it covers a pixel in full, above 0 and up to 1. */
  readonly opacity: number;
  /** Pattern and coverage for an image with this stream, not to be changed: height·width·4 bytes, RGBA, A 0 where nothing lies. */
  draw(rng: Rng): Uint8Array;
}

/** What may decide a trigger's pixels beyond its parameters and the shape of the images. */
export interface TriggerContext {
  /** The run's seed, for what is drawn once and for all images of a run (WaNet's field). */
  readonly seed: number;
  /** The dataset as the spec names it: see data/references.ts. */
  readonly dataset: string;
  /** For triggers that are made by a network. */
  readonly runtime: () => Runtime;
}

/** A line of the trigger registry. `P` is the type of its parameters after defaults. */
export interface TriggerDefinition<P extends object = object> {
  readonly name: string;
  readonly title: string;
  /** The publication the trigger comes from. */
  readonly paper: string;
  /** Checks and completes the parameters; every field has `.describe()` and, where there is one, a default. */
  readonly parameters: z.ZodType<P>;
  /** Values for the parameters that have no default, as a picture of the trigger is drawn with. */
  readonly example?: Readonly<Record<string, unknown>>;
  /** Parameters that name pictures: see picture-field.ts. */
  readonly pictures?: readonly string[];
  /** What parameters stand for that `parameters` leaves out at their neutral values: runs are compared by it. */
  readonly unsaid?: Readonly<Record<string, unknown>>;
  /**
   * Whether parameters fit images of a shape (native shape, or the model's input shape for `stampAt: 'input'`), as far as
   * can be said without reading a file: specs are checked with it.
   * @throws TriggerlabError (input) when they do not.
   */
  check(parameters: P, shape: ImageShape): void;
  /**
   * Binds parameters to images of a shape. Files are read and networks opened here, never while stamping.
   * @throws TriggerlabError (input) when they do not fit, or a file that they name is not what it should be.
   */
  create(parameters: P, shape: ImageShape, context: TriggerContext): Trigger | Promise<Trigger>;
}
