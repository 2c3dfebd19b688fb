// Images as everything passes them: 8-bit pixels, height × width × channels, red first.

/** Size of one image in pixels; channels is 1 (grey) or 3 (RGB). */
export interface ImageShape {
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
}

/** One image: `pixels` holds height·width·channels bytes in HWC order, 0 black to 255 white. */
export interface Image extends ImageShape {
  readonly pixels: Uint8Array;
}

/** Bytes of one image of a shape. */
export function bytesPerImage(shape: ImageShape): number {
  return shape.height * shape.width * shape.channels;
}
