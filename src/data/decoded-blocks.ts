// Rows that have to be decoded one by one, as blocks to be packed: a few at a time and in bounded memory.
import { bytesPerImage, type Image, type ImageShape } from '../core/images.ts';
import type { RowBlock } from './dataset.ts';

const AT_ONCE = 8;
const BLOCK_BYTES = 16_000_000;
const BLOCK_ROWS = 256;

/** The rows 0 … count-1 of one shape, in order. `decode` gives one row, and checks that it has that shape. */
export async function* decodedBlocks(
  shape: ImageShape,
  count: number,
  decode: (row: number) => Promise<Image>,
): AsyncGenerator<RowBlock> {
  const bytes = bytesPerImage(shape);
  const most = Math.max(1, Math.min(BLOCK_ROWS, Math.floor(BLOCK_BYTES / bytes)));
  for (let first = 0; first < count; first += most) {
    const rows = Math.min(most, count - first);
    const pixels = new Uint8Array(rows * bytes);
    await inParallel(rows, async (i) => pixels.set((await decode(first + i)).pixels, i * bytes));
    yield { first, pixels };
  }
}

/**
 * Does `work` for 0 … count-1, a few at a time, and waits until all have ended, so that nothing reads a closed archive.
 * @throws what the first of them in order threw; those behind it are then not begun.
 */
export async function inParallel(count: number, work: (i: number) => Promise<void>): Promise<void> {
  const failures = new Map<number, unknown>();
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const i = next++;
      await work(i).catch((error: unknown) => {
        failures.set(i, error);
        next = count;
      });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  if (failures.size > 0) throw failures.get(Math.min(...failures.keys()));
}
