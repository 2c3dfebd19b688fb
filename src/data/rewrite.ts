// A dataset whose images were resized and kept as bytes, as programs do that write their images anew before anything else.
import { bytesPerImage } from '../core/images.ts';
import type { Dataset, ImageSource } from './dataset.ts';
import { type PreprocessingSpec, storedShape } from './preprocessing-fields.ts';
import { PIL_BILINEAR, resizeImage } from './resize-image.ts';

const known = new WeakMap<Dataset, Map<number, Dataset>>();

/** The dataset at another size; the same one each time, so that what is known of its images need not be found out again. */
export function rewriteDataset(dataset: Dataset, rewrite: PreprocessingSpec['rewrite']): Dataset {
  if (rewrite === 'none') return dataset;
  const bySide = known.get(dataset) ?? new Map<number, Dataset>();
  known.set(dataset, bySide);
  const made = bySide.get(rewrite) ?? {
    ...dataset,
    train: rewriteSource(dataset.train, rewrite),
    test: rewriteSource(dataset.test, rewrite),
  };
  bySide.set(rewrite, made);
  return made;
}

/** Images are resized whenever they are read: kept, 100,000 of them at 224 pixels would take 15 GB. */
function rewriteSource(source: ImageSource, side: number): ImageSource {
  const shape = storedShape(source, side);
  const bytes = bytesPerImage(shape);
  const before = bytesPerImage(source);
  const { height, width, channels, count, labels } = source;
  return {
    ...shape,
    count,
    labels,
    read(rows, out = new Uint8Array(rows.length * bytes)) {
      const pixels = source.read(rows);
      for (let i = 0; i < rows.length; i++) {
        const image = { height, width, channels, pixels: pixels.subarray(i * before, (i + 1) * before) };
        out.set(resizeImage(image, side, side, PIL_BILINEAR).pixels, i * bytes);
      }
      return out;
    },
  };
}
