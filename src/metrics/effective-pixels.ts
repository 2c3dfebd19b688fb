// How much of a trigger is left at the model's input.

/**
 * Mean over images of the number of positions (y, x) where any channel differs by at least `threshold`.
 * @param before input without the trigger, scale [0, 1] before normalisation, N × C × H × W
 * @param after the same input with it
 * @param threshold half a grey level of 255 by default
 * @throws RangeError when there are no images, or the lengths are not those of `shape`.
 */
export function effectivePixels(
  before: Float32Array,
  after: Float32Array,
  shape: readonly [count: number, channels: number, height: number, width: number],
  threshold = 0.5 / 255,
): number {
  const [count, channels, height, width] = shape;
  const area = height * width;
  const length = count * channels * area;
  if (!(length > 0) || before.length !== length || after.length !== length) {
    throw new RangeError(
      `effectivePixels: shape [${shape}] needs ${length} values (at least one), got ${before.length} before and ${after.length} after`,
    );
  }
  let changed = 0;
  for (let n = 0; n < count; n++) {
    const image = n * channels * area;
    for (let i = 0; i < area; i++) {
      for (let c = 0; c < channels; c++) {
        const at = image + c * area + i;
        if (Math.abs(after[at] - before[at]) >= threshold) {
          changed++;
          break;
        }
      }
    }
  }
  return changed / count;
}
