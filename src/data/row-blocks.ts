// Rows that follow one another in a stream of bytes, as blocks to be packed; and rows resized on their way.
import type { ImageShape } from '../core/images.ts';
import type { RawImages, RowBlock } from './dataset.ts';
import { PIL_BILINEAR, resizeImage } from './resize-image.ts';

const BLOCK_BYTES = 1 << 20;

/**
 * Cuts a stream into blocks of whole records of `bytes` bytes; what is left over at its end comes as it is. Blocks are
 * views that are valid until the next one is asked for.
 */
export async function* records(parts: AsyncIterable<Uint8Array>, bytes: number): AsyncGenerator<Uint8Array> {
  const block = new Uint8Array(bytes * Math.max(1, Math.floor(BLOCK_BYTES / bytes)));
  let filled = 0;
  for await (const part of parts) {
    for (let at = 0; at < part.length; ) {
      const taken = Math.min(part.length - at, block.length - filled);
      block.set(part.subarray(at, at + taken), filled);
      filled += taken;
      at += taken;
      if (filled === block.length) {
        yield block;
        filled = 0;
      }
    }
  }
  if (filled > 0) yield block.subarray(0, filled);
}

/** The same rows with every image resized to `side` pixels, both sides. */
export function resizedImages(raw: RawImages, side: number): RawImages {
  const { height, width, channels } = raw;
  if (height === side && width === side) return raw;
  const [before, after] = [height * width * channels, side * side * channels];
  const resized = ({ first, pixels }: RowBlock): RowBlock => {
    const rows = pixels.length / before;
    const out = new Uint8Array(rows * after);
    for (let i = 0; i < rows; i++) {
      const image = { height, width, channels, pixels: pixels.subarray(i * before, (i + 1) * before) };
      out.set(resizeImage(image, side, side, PIL_BILINEAR).pixels, i * after);
    }
    return { first, pixels: out };
  };
  return {
    ...raw,
    ...({ height: side, width: side } satisfies Partial<ImageShape>),
    async *blocks() {
      for await (const block of raw.blocks()) yield resized(block);
    },
  };
}
