// Which pixels a trigger is stamped on: the one place that says so.
import type { ImageShape } from '../core/images.ts';

/** Shape of the images that a trigger with these parameters meets: the dataset's own, or the model's input in RGB. */
export function stampShape(parameters: object, native: ImageShape, inputSize: number): ImageShape {
  if ('stampAt' in parameters && parameters.stampAt === 'input') {
    return { height: inputSize, width: inputSize, channels: 3 };
  }
  return { height: native.height, width: native.width, channels: native.channels };
}
