// SSIM (Wang et al. 2004) with a Gaussian window, as scikit-image computes it.

const SIGMA = 1.5;
const RADIUS = 5;
/** Side of the window: images must be at least as large. */
export const SSIM_WINDOW = 2 * RADIUS + 1;

const WEIGHTS = normalised(
  Float64Array.from({ length: SSIM_WINDOW }, (_, i) => Math.exp(-0.5 * ((i - RADIUS) / SIGMA) ** 2)),
);

/** An image as numbers: HWC, `height · width · channels` of them. */
export interface Levels {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly values: ArrayLike<number>;
}

/**
 * Structural similarity of two images of one shape, 1 for equal ones: `structural_similarity(gaussian_weights=True, sigma=1.5,
 * use_sample_covariance=False, data_range=range)`, whose mean leaves out the border where the window does not fit; over
 * channels, their mean.
 * @throws RangeError for shapes that differ, or an image smaller than the window.
 */
export function structuralSimilarity(before: Levels, after: Levels, range = 255): number {
  const { height, width, channels } = before;
  if (height !== after.height || width !== after.width || channels !== after.channels) {
    throw new RangeError('structuralSimilarity: the images differ in shape');
  }
  if (Math.min(height, width) < SSIM_WINDOW) {
    throw new RangeError(
      `structuralSimilarity: ${height} × ${width} pixels are less than the window of ${SSIM_WINDOW}`,
    );
  }
  const [c1, c2] = [(0.01 * range) ** 2, (0.03 * range) ** 2];
  const windowed = (plane: Float64Array) => blur(blur(plane, height, width), width - 2 * RADIUS, height);
  let total = 0;
  for (let c = 0; c < channels; c++) {
    const [x, y] = [planeOf(before, c), planeOf(after, c)];
    const [mx, my] = [windowed(x), windowed(y)];
    const [xx, yy, xy] = [windowed(product(x, x)), windowed(product(y, y)), windowed(product(x, y))];
    let sum = 0;
    for (let i = 0; i < mx.length; i++) {
      const covariance = xy[i] - mx[i] * my[i];
      const spread = xx[i] - mx[i] ** 2 + yy[i] - my[i] ** 2;
      sum += ((2 * mx[i] * my[i] + c1) * (2 * covariance + c2)) / ((mx[i] ** 2 + my[i] ** 2 + c1) * (spread + c2));
    }
    total += sum / mx.length;
  }
  return total / channels;
}

/** One channel of an image. */
function planeOf({ height, width, channels, values }: Levels, channel: number): Float64Array {
  const plane = new Float64Array(height * width);
  for (let i = 0; i < plane.length; i++) plane[i] = values[i * channels + channel];
  return plane;
}

function product(x: Float64Array, y: Float64Array): Float64Array {
  const out = new Float64Array(x.length);
  for (let i = 0; i < out.length; i++) out[i] = x[i] * y[i];
  return out;
}

/** Weighted means along each row where the window fits, transposed: doing it twice is the two-dimensional window. */
function blur(plane: Float64Array, rows: number, columns: number): Float64Array {
  const kept = columns - 2 * RADIUS;
  const out = new Float64Array(kept * rows);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < kept; x++) {
      let sum = 0;
      for (let k = 0; k < SSIM_WINDOW; k++) sum += WEIGHTS[k] * plane[y * columns + x + k];
      out[x * rows + y] = sum;
    }
  }
  return out;
}

function normalised(weights: Float64Array): Float64Array {
  const sum = weights.reduce((all, weight) => all + weight, 0);
  return weights.map((weight) => weight / sum);
}
