// What a trigger is to the rest of the program: image in, image out, on native pixels or at the model's input size.
import type { z } from 'zod';
import type { Image, ImageShape } from '../core/images.ts';
import type { Rng } from '../core/rng.ts';

/** Where a trigger meets the image: on the dataset's own pixels, or after the resize to the model's input. */
export type StampAt = 'native' | 'input';

/** A rectangle in pixels; `top`/`left` count from 0 at the upper left corner. */
export interface Box {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** A trigger bound to its parameters and to the size of the images it will meet. */
export interface Trigger {
  readonly stampAt: StampAt;
  /** Stamps one image in place. `rng` is that image's own stream: the same image always gets the same trigger. */
  apply(image: Image, rng: Rng): void;
  /** For `stampAt: 'input'`: the patch as the graph blends it, x' = (1 − opacity·m)·x + opacity·m·color, color in [0, 255]. */
  readonly patch?: {
    readonly opacity: number;
    readonly color: readonly [number, number, number];
    /** Where the patch lies on this image (drawn from `rng` for random positions). */
    box(rng: Rng): Box;
  };
}

/** A line of the trigger registry. `P` is the type of its parameters after defaults. */
export interface TriggerDefinition<P extends object = object> {
  readonly name: string;
  readonly title: string;
  /** The publication the trigger comes from. */
  readonly paper: string;
  /** Checks and completes the parameters; every field has `.describe()` and, where there is one, a default. */
  readonly parameters: z.ZodType<P>;
  /** Binds parameters to images of a shape (native shape, or the model's input shape for `stampAt: 'input'`). */
  create(parameters: P, shape: ImageShape): Trigger;
}
