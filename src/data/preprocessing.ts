// From 8-bit pixels to a network's input, inside the graph: the one preprocessing that training, evaluation and export share.

import type { ImageShape } from '../core/images.ts';
import { float32 } from '../core/tensor.ts';
import type { Graph, Value } from '../graph/graph.ts';
import { add } from '../graph/ops/add.ts';
import { and } from '../graph/ops/and.ts';
import { cast } from '../graph/ops/cast.ts';
import { clip } from '../graph/ops/clip.ts';
import { concat } from '../graph/ops/concat.ts';
import { div } from '../graph/ops/div.ts';
import { greaterOrEqual } from '../graph/ops/greater-or-equal.ts';
import { less } from '../graph/ops/less.ts';
import { matMul } from '../graph/ops/mat-mul.ts';
import { mul } from '../graph/ops/mul.ts';
import { transposed } from '../graph/ops/resize-matrix.ts';
import { slice } from '../graph/ops/slice.ts';
import { sub } from '../graph/ops/sub.ts';
import { transpose } from '../graph/ops/transpose.ts';
import { unsqueeze } from '../graph/ops/unsqueeze.ts';
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
  /** A patch blended in after the resize, where the graph input `patch` (int32 [N, 4]: top, left, bottom, right) says. */
  readonly patch?: { readonly opacity: number; readonly color: readonly [number, number, number] };
}

/**
 * Adds the graph inputs `image` (uint8 [N, H, W, C]) and, with a patch, `patch`; returns pixels in [0, 1], float32 [N, 3, S, S].
 * What a resize leaves larger than the input is cut at the centre, what it leaves smaller gets a black border.
 */
export function inputPixels(graph: Graph, preprocessing: Preprocessing): Value {
  const { native, inputSize, patch } = preprocessing;
  return graph.scoped('preprocess', () => {
    const image = graph.input('image', 'uint8', ['N', native.height, native.width, native.channels]);
    let x = resized(image, preprocessing);
    if (native.channels === 1) x = concat([x, x, x], 1);
    if (!patch) return x;
    const boxes = graph.input('patch', 'int32', ['N', 4]);
    const covered = mul(cast(coverage(boxes, inputSize), 'float32'), graph.scalar(patch.opacity));
    const color = graph.constant(
      float32(
        [1, 3, 1, 1],
        patch.color.map((value) => value / 255),
      ),
    );
    return add(mul(x, sub(graph.scalar(1), covered)), mul(covered, color));
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
  if (same || quantize === 'never') {
    const x = transpose(div(cast(image, 'float32'), byte), [0, 3, 1, 2]);
    return same ? x : matMul(matMul(rows(), x), columns());
  }
  // Levels are whole numbers before they are divided; columns come first, as in PIL.
  const narrow = matMul(transpose(cast(image, 'float32'), [0, 3, 1, 2]), columns());
  return div(toLevels(matMul(rows(), quantize === 'each-axis' ? toLevels(narrow) : narrow)), byte);

  function rows(): Value {
    const matrix = axisMatrix(native.height, target.height, inputSize, { filter, antialias });
    return graph.constant(float32([inputSize, native.height], matrix));
  }

  function columns(): Value {
    const matrix = axisMatrix(native.width, target.width, inputSize, { filter, antialias });
    return graph.constant(float32([native.width, inputSize], transposed(matrix, inputSize, native.width)));
  }
}

/** Rounded to whole levels from 0 to 255, halves up. */
function toLevels(x: Value): Value {
  const { graph } = x;
  return cast(cast(add(clip(x, 0, 255), graph.scalar(0.5)), 'int32'), 'float32');
}

/** Which pixels lie inside each box: bool [N, 1, S, S]. */
function coverage(boxes: Value, size: number): Value {
  const { graph } = boxes;
  const places = { dtype: 'int32', shape: [size], data: Int32Array.from({ length: size }, (_, i) => i) } as const;
  const between = (low: number, high: number) => {
    const at = graph.constant(places);
    const bound = (column: number) => slice(boxes, [column], [column + 1], [1]);
    return and(greaterOrEqual(at, bound(low)), less(at, bound(high)));
  };
  return and(unsqueeze(between(0, 2), [1, 3]), unsqueeze(between(1, 3), [1, 2]));
}

/** Channel-wise (pixels − mean) / std. */
export function normalize(pixels: Value, { mean, std }: Preprocessing): Value {
  const { graph } = pixels;
  const channel = (values: readonly number[]) => graph.constant(float32([1, 3, 1, 1], values));
  return graph.scoped('normalize', () => div(sub(pixels, channel(mean)), channel(std)));
}
