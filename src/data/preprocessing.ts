// From 8-bit pixels to a network's input, inside the graph: the one preprocessing that training, evaluation and export share.

import type { ImageShape } from '../core/images.ts';
import { float32, tensor } from '../core/tensor.ts';
import type { Graph, Value } from '../graph/graph.ts';
import { add } from '../graph/ops/add.ts';
import { cast } from '../graph/ops/cast.ts';
import { clip } from '../graph/ops/clip.ts';
import { concat } from '../graph/ops/concat.ts';
import { div } from '../graph/ops/div.ts';
import { matMul } from '../graph/ops/mat-mul.ts';
import { mul } from '../graph/ops/mul.ts';
import { transposed } from '../graph/ops/resize-matrix.ts';
import { slice } from '../graph/ops/slice.ts';
import { sub } from '../graph/ops/sub.ts';
import { transpose } from '../graph/ops/transpose.ts';
import { NEUTRAL_PREPROCESSING, type PreprocessingSpec } from './preprocessing-fields.ts';
import { axisMatrix, resizedShape } from './resize-geometry.ts';

export interface Preprocessing
  extends Partial<Pick<PreprocessingSpec, 'resize' | 'filter' | 'antialias' | 'quantize'>> {
  /** Size of the images fed. */
  readonly native: ImageShape;
  /** Side of the square network input. */
  readonly inputSize: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Patterns blended in after the resize: the graph input `overlay` (uint8 [N, S, S, 4], RGBA) has each image's own. */
  readonly overlay?: { readonly opacity: number } | undefined;
}

/**
 * Adds the graph inputs `image` (uint8 [N, H, W, C]) and perhaps `overlay`; returns pixels in [0, 1], float32 [N, 3, S, S].
 * What a resize leaves larger than the input is cut at the centre, what it leaves smaller gets a black border.
 */
export function inputPixels(graph: Graph, preprocessing: Preprocessing): Value {
  const { native, inputSize, overlay } = preprocessing;
  return graph.scoped('preprocess', () => {
    const image = graph.input('image', 'uint8', ['N', native.height, native.width, native.channels]);
    let x = resized(image, preprocessing);
    if (native.channels === 1) x = concat([x, x, x], 1);
    return overlay ? blended(x, planes(graph.input('overlay', 'uint8', ['N', inputSize, inputSize, 4])), overlay) : x;
  });
}

/** Images [N, H, W, C] as pixels in [0, 1] at the input's size, [N, C, S, S]. */
function resized(image: Value, preprocessing: Preprocessing): Value {
  const { native, inputSize } = preprocessing;
  const { resize, filter, antialias, quantize } = { ...NEUTRAL_PREPROCESSING, ...preprocessing };
  const { graph } = image;
  const target = resizedShape(native, inputSize, resize);
  const same = (['height', 'width'] as const).every((side) => native[side] === inputSize && target[side] === inputSize);
  const byte = graph.scalar(255);
  // Sums of whole levels decide which way a half is rounded: in float64 they are the host's.
  const dtype = quantize === 'never' ? 'float32' : 'float64';
  if (same || quantize === 'never') {
    const x = transpose(div(cast(image, 'float32'), byte), [0, 3, 1, 2]);
    return same ? x : matMul(matMul(rows(), x), columns());
  }
  // Columns come first, as in PIL.
  const narrow = matMul(transpose(cast(image, 'float64'), [0, 3, 1, 2]), columns());
  return div(toLevels(matMul(rows(), quantize === 'each-axis' ? toLevels(narrow, 'float64') : narrow)), byte);

  function rows(): Value {
    const matrix = axisMatrix(native.height, target.height, inputSize, { filter, antialias, quantize });
    return weights([inputSize, native.height], matrix);
  }

  function columns(): Value {
    const matrix = axisMatrix(native.width, target.width, inputSize, { filter, antialias, quantize });
    return weights([native.width, inputSize], transposed(matrix, inputSize, native.width));
  }

  function weights(shape: readonly number[], data: Float64Array): Value {
    return graph.constant(dtype === 'float64' ? tensor('float64', shape, data) : float32(shape, data));
  }
}

/** Rounded to whole levels from 0 to 255, halves up. */
function toLevels(x: Value, dtype: 'float32' | 'float64' = 'float32'): Value {
  const { graph } = x;
  return cast(cast(add(clip(x, 0, 255), graph.scalar(0.5, 'float64')), 'int32'), dtype);
}

/** Bytes as channels first, in [0, 1]. */
function planes(bytes: Value): Value {
  return transpose(div(cast(bytes, 'float32'), bytes.graph.scalar(255)), [0, 3, 1, 2]);
}

/** Where nothing lies over a pixel, x · 1 + 0 keeps its bits. */
function blended(x: Value, rgba: Value, { opacity }: { readonly opacity: number }): Value {
  const { graph } = x;
  const share = mul(slice(rgba, [3], [4], [1]), graph.scalar(opacity));
  return add(mul(x, sub(graph.scalar(1), share)), mul(share, slice(rgba, [0], [3], [1])));
}

/** Channel-wise (pixels − mean) / std. */
export function normalize(pixels: Value, { mean, std }: Preprocessing): Value {
  const { graph } = pixels;
  const channel = (values: readonly number[]) => graph.constant(float32([1, 3, 1, 1], values));
  return graph.scoped('normalize', () => div(sub(pixels, channel(mean)), channel(std)));
}
