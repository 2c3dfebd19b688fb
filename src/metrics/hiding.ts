// How well an encoder hides secrets, on images that it has not seen: what is read right, what is changed, how alike the changes are.
import { bytesPerImage } from '../core/images.ts';
import type { ImageSource } from '../data/dataset.ts';
import type { Codec } from '../triggers/ssba/codec.ts';
import { type SecretMode, secretOf } from '../triggers/ssba/secrets.ts';
import { peakSignalToNoise } from './image-distances.ts';
import { type ResidualSimilarity, residualSimilarity } from './residuals.ts';
import { SSIM_WINDOW, structuralSimilarity } from './structural-similarity.ts';

/** Figures for one way of choosing secrets. Pixels are rounded to 8 bits before anything is read or measured. */
export interface HidingReport extends ResidualSimilarity {
  readonly images: number;
  /** Share of the bits that are read right. */
  readonly bitAccuracy: number;
  /** Share of the images of which all bits are. */
  readonly wholeSecrets: number;
  /** Mean over the images, in dB; images that were not changed count as 100 dB. */
  readonly psnr: number;
  /** Mean over the images; null where they are smaller than its window. */
  readonly ssim: number | null;
}

/** Hides secrets in rows of a source and reads them again. */
export async function hidingReport(
  codec: Codec,
  source: ImageSource,
  rows: ArrayLike<number>,
  { mode, seed }: { readonly mode: SecretMode; readonly seed: number },
): Promise<HidingReport> {
  const { bits } = codec.size;
  const { height, width, channels } = source;
  const bytes = bytesPerImage(source);
  const images = rows.length;
  const before = source.read(rows);
  const part = (all: Uint8Array, i: number, length: number) => all.subarray(i * length, (i + 1) * length);
  const each = Array.from({ length: images }, (_, i) => i);
  const secrets = Buffer.concat(each.map((i) => secretOf(mode, bits, seed, part(before, i, bytes))));
  const after = await codec.hide(before, secrets);
  const read = await codec.read(after);
  const right = each.map((i) => {
    const secret = part(secrets, i, bits);
    return part(read, i, bits).reduce((sum, bit, at) => sum + (bit === secret[at] ? 1 : 0), 0);
  });
  const levels = (all: Uint8Array, i: number) => ({ height, width, channels, values: part(all, i, bytes) });
  const similarity = (i: number) => structuralSimilarity(levels(before, i), levels(after, i));
  return {
    images,
    bitAccuracy: mean(right) / bits,
    wholeSecrets: mean(right.map((count) => (count === bits ? 1 : 0))),
    psnr: mean(each.map((i) => Math.min(100, peakSignalToNoise(part(before, i, bytes), part(after, i, bytes))))),
    ssim: Math.min(source.height, source.width) < SSIM_WINDOW ? null : mean(each.map(similarity)),
    ...residualSimilarity(before, after, images),
  };
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
