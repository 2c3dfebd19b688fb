// Where an input pixel of the network comes from: the size an image is resized to, and what the crop or border at the centre takes.
import type { ImageShape } from '../core/images.ts';
import { fixedPoint, resizeTaps, tapsMatrix } from '../graph/ops/resize-taps.ts';
import type { PreprocessingSpec } from './preprocessing-fields.ts';

type AxisResampling = Pick<PreprocessingSpec, 'filter' | 'antialias' | 'quantize'>;

/** Height and width of an image after its resize, before it is cut or padded to the network's input. */
export function resizedShape(
  { height, width }: Pick<ImageShape, 'height' | 'width'>,
  inputSize: number,
  resize: PreprocessingSpec['resize'],
): { readonly height: number; readonly width: number } {
  if (resize === 'none') return { height, width };
  if (resize === 'input') return { height: inputSize, width: inputSize };
  const longer = Math.floor((resize * Math.max(height, width)) / Math.min(height, width));
  return height <= width ? { height: resize, width: longer } : { height: longer, width: resize };
}

/**
 * Which of `length` pixels is the first of `size` at the centre, as torchvision's `CenterCrop` counts: cut, the difference is halved
 * with halves to the even number; padded (a negative result), the smaller half comes first.
 */
export function centerOffset(length: number, size: number): number {
  const difference = length - size;
  if (difference < 0) return 0 - Math.floor(-difference / 2);
  const half = Math.floor(difference / 2);
  return difference % 2 === 1 && half % 2 === 1 ? half + 1 : half;
}

/**
 * The matrix [size, native] of one axis: resized to `resized` pixels, then cut or padded with zeros at the centre. Its weights are
 * PIL's where levels are rounded as PIL rounds them.
 */
export function axisMatrix(native: number, resized: number, size: number, how: AxisResampling): Float64Array {
  const exact = resizeTaps(native, resized, native === resized ? { filter: 'bilinear', antialias: false } : how);
  const taps = how.quantize === 'each-axis' ? exact.map(fixedPoint) : exact;
  const offset = centerOffset(resized, size);
  return tapsMatrix(
    Array.from({ length: size }, (_, i) => taps[i + offset]),
    native,
  );
}
