// How visible a trigger is: distances between test images without and with it, averaged over a fixed sample.
import { sha256Pieces } from '../core/hash.ts';
import { type Tensor, tensor } from '../core/tensor.ts';
import type { ImageSource } from '../data/dataset.ts';
import { featureDistances } from '../metrics/feature-distance.ts';
import { euclideanDistance, largestDifference, peakSignalToNoise } from '../metrics/image-distances.ts';
import { type Levels, SSIM_WINDOW, structuralSimilarity } from '../metrics/structural-similarity.ts';
import type { Runtime } from '../runtime/node.ts';
import type { StealthMetrics } from '../store/records.ts';
import type { Network } from '../train/network.ts';
import type { TriggeredSource } from '../train/poisoned-set.ts';
import { seenPixels } from '../train/predict.ts';

/** Test images that stealth is measured on, evenly spaced: data sets may be sorted by class. */
const SAMPLE = 100;

/** Measured by this process before, by the pixels: a trigger is the same at every poisoning rate, and nearly always for every seed. */
const known = new Map<string, StealthMetrics>();
const REMEMBERED = 1000;

/**
 * Where the trigger is stamped: on native pixels in 8 bits, or at input size as the network sees them, which are not rounded.
 * Means over the sample; PSNR over those images alone that the trigger changes, since it is infinite for the others.
 */
export async function measureStealth(
  runtime: Runtime,
  network: Network,
  triggered: TriggeredSource,
): Promise<StealthMetrics> {
  const { clean } = triggered;
  const count = Math.min(SAMPLE, clean.count);
  const rows = Int32Array.from({ length: count }, (_, i) => Math.floor((i * clean.count) / count));
  const atInput = network.preprocessing.overlay !== undefined;
  const look = async (source: ImageSource): Promise<Look> =>
    atInput ? seen(await seenPixels(runtime, network, source, rows)) : native(source, rows);
  const [before, after] = [await look(clean), await look(triggered)];
  const key = nameOf(before, after);
  const metrics = known.get(key) ?? (await compare(runtime, before, after));
  if (known.size < REMEMBERED) known.set(key, metrics);
  return metrics;
}

async function compare(runtime: Runtime, before: Look, after: Look): Promise<StealthMetrics> {
  const meanOf = (measure: (one: Levels, two: Levels) => number) =>
    mean(before.images.map((image, i) => measure(image, after.images[i]))) ?? 0;
  const ratios = before.images.map(({ values }, i) => peakSignalToNoise(values, after.images[i].values));
  const [count, , height, width] = before.pixels.shape;
  return {
    stealthImages: count,
    stealthLinf: meanOf((one, two) => largestDifference(one.values, two.values)),
    stealthL2: meanOf((one, two) => euclideanDistance(one.values, two.values)),
    stealthPsnr: mean(ratios.filter(Number.isFinite)),
    stealthSsim: Math.min(height, width) < SSIM_WINDOW ? null : meanOf(structuralSimilarity),
    stealthPerceptual: mean(await featureDistances(runtime, before.pixels, after.pixels)),
  };
}

/** The same for the same images alone. */
function nameOf(...looks: readonly Look[]): string {
  const hash = sha256Pieces();
  for (const { pixels, images } of looks) {
    hash.update(Buffer.from(JSON.stringify([pixels.shape, images[0].channels])));
    hash.update(new Uint8Array(pixels.data.buffer, pixels.data.byteOffset, pixels.data.byteLength));
  }
  return Buffer.from(hash.digest()).toString('latin1');
}

/** Images as levels from 0 to 255, and the same as pixels in [0, 1], grey as RGB: [N, 3, H, W]. */
interface Look {
  readonly images: readonly Levels[];
  readonly pixels: Tensor;
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function native(source: ImageSource, rows: ArrayLike<number>): Look {
  const { height, width, channels } = source;
  const area = height * width;
  const bytes = source.read(rows);
  const data = new Float32Array(rows.length * 3 * area);
  let i = 0;
  for (let n = 0; n < rows.length; n++) {
    for (let c = 0; c < 3; c++) {
      const first = n * area * channels + (channels === 1 ? 0 : c);
      for (let at = 0; at < area; at++) data[i++] = bytes[first + at * channels] / 255;
    }
  }
  const images = Array.from(rows, (_, n) => {
    const values = bytes.subarray(n * area * channels, (n + 1) * area * channels);
    return { height, width, channels, values };
  });
  return { images, pixels: tensor('float32', [rows.length, 3, height, width], data) };
}

function seen(pixels: Tensor): Look {
  const [count, , height, width] = pixels.shape;
  const area = height * width;
  const images = Array.from({ length: count }, (_, n) => {
    const at = (k: number) => (n * 3 + (k % 3)) * area + Math.floor(k / 3);
    const values = Float32Array.from({ length: 3 * area }, (_level, k) => 255 * Number(pixels.data[at(k)]));
    return { height, width, channels: 3, values };
  });
  return { images, pixels };
}
