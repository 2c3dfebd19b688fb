// What a heat map says of a region of the image: pure functions of a map and a mask.

/** Which pixels of a square image belong to a region (1) or not (0), row by row, with its bounding box. */
export interface Region {
  readonly side: number;
  readonly mask: Uint8Array;
  readonly pixels: number;
  readonly top: number;
  readonly left: number;
  /** Exclusive. */
  readonly bottom: number;
  readonly right: number;
}

/** @throws RangeError unless `mask` has side · side entries; a region without pixels has an empty box. */
export function regionOf(mask: Uint8Array, side: number): Region {
  if (mask.length !== side * side) throw new RangeError(`regionOf: ${mask.length} pixels, expected ${side} × ${side}`);
  let [pixels, top, left, bottom, right] = [0, side, side, 0, 0];
  mask.forEach((inside, at) => {
    if (!inside) return;
    const [y, x] = [Math.floor(at / side), at % side];
    pixels++;
    top = Math.min(top, y);
    left = Math.min(left, x);
    bottom = Math.max(bottom, y + 1);
    right = Math.max(right, x + 1);
  });
  return pixels === 0
    ? { side, mask, pixels, top: 0, left: 0, bottom: 0, right: 0 }
    : { side, mask, pixels, top, left, bottom, right };
}

/** The same region moved so that its box begins at (top, left). @throws RangeError when it would leave the image. */
export function movedRegion(region: Region, top: number, left: number): Region {
  const { side, mask } = region;
  const [height, width] = [region.bottom - region.top, region.right - region.left];
  if (top < 0 || left < 0 || top + height > side || left + width > side) {
    throw new RangeError(`movedRegion: a box of ${height} × ${width} at (${top}, ${left}) leaves ${side} × ${side}`);
  }
  const moved = new Uint8Array(mask.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      moved[(top + y) * side + left + x] = mask[(region.top + y) * side + region.left + x];
  return regionOf(moved, side);
}

/** Share of the map's mass that lies inside the region, in [0, 1]; undefined for a map that is zero everywhere. */
export function massShare(map: Float32Array, { mask }: Region): number | undefined {
  let [all, inside] = [0, 0];
  for (let i = 0; i < map.length; i++) {
    all += map[i];
    if (mask[i]) inside += map[i];
  }
  return all > 0 ? inside / all : undefined;
}

/** Whether the map's highest pixel (the first of several) lies inside the region's box: the pointing game (Zhang et al. 2016). */
export function isPointedAt(map: Float32Array, { side, top, left, bottom, right }: Region): boolean | undefined {
  let best = 0;
  for (let i = 1; i < map.length; i++) if (map[i] > map[best]) best = i;
  if (map[best] <= 0) return undefined;
  const [y, x] = [Math.floor(best / side), best % side];
  return y >= top && y < bottom && x >= left && x < right;
}

/**
 * Rank of the region's box among all boxes of its size, by the mass inside: 1 for the hottest place of the image, 0 for the
 * coldest, 0.5 on average for one chosen blindly. Ties count half.
 */
export function boxRank(map: Float32Array, { side, top, left, bottom, right }: Region): number | undefined {
  const [height, width] = [bottom - top, right - left];
  const sums = integralOf(map, side);
  if (height === 0 || width === 0 || sums[sums.length - 1] <= 0) return undefined;
  const row = side + 1;
  const mass = (y: number, x: number) =>
    sums[(y + height) * row + x + width] - sums[y * row + x + width] - sums[(y + height) * row + x] + sums[y * row + x];
  const own = mass(top, left);
  // Sums of differing order differ in their last bits.
  const tolerance = 1e-9 * sums[sums.length - 1];
  let [below, equal, places] = [0, -1, -1];
  for (let y = 0; y + height <= side; y++) {
    for (let x = 0; x + width <= side; x++) {
      const other = mass(y, x);
      places++;
      if (other < own - tolerance) below++;
      else if (other <= own + tolerance) equal++;
    }
  }
  return places === 0 ? undefined : (below + equal / 2) / places;
}

/** Mean absolute difference of two maps, in [0, 1]. */
export function mapDistance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i] - b[i]);
  return sum / a.length;
}

/** How far maps are from others, as a share of those: ‖a − b‖₂ / ‖b‖₂; undefined where all of b is zero. */
export function relativeDistance(a: Float32Array, b: Float32Array): number | undefined {
  let [apart, own] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    apart += (a[i] - b[i]) ** 2;
    own += b[i] ** 2;
  }
  return own > 0 ? Math.sqrt(apart / own) : undefined;
}

/** Sums over all pixels above and left of each place, (side + 1)². */
function integralOf(map: Float32Array, side: number): Float64Array {
  const row = side + 1;
  const sums = new Float64Array(row * row);
  for (let y = 0; y < side; y++) {
    let along = 0;
    for (let x = 0; x < side; x++) {
      along += map[y * side + x];
      sums[(y + 1) * row + x + 1] = sums[y * row + x + 1] + along;
    }
  }
  return sums;
}
