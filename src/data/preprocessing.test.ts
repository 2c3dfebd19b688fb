import { afterAll, describe, expect, it } from 'vitest';
import { bytesPerImage, type ImageShape } from '../core/images.ts';
import { Rng } from '../core/rng.ts';
import { type Tensor, tensor } from '../core/tensor.ts';
import { Graph } from '../graph/graph.ts';
import { Runtime } from '../runtime/node.ts';
import { inputPixels, normalize, type Preprocessing } from './preprocessing.ts';

const runtime = new Runtime({ threads: 1 });
afterAll(() => runtime.close());

const PLAIN = { mean: [0, 0, 0], std: [1, 1, 1] };
const GREY: ImageShape = { height: 28, width: 28, channels: 1 };
const RGB: ImageShape = { height: 32, width: 32, channels: 3 };

function images(shape: ImageShape, count: number): Tensor<'uint8'> {
  const rng = Rng.of(1, 'images');
  const data = Uint8Array.from({ length: count * bytesPerImage(shape) }, () => rng.int(0, 255));
  return tensor('uint8', [count, shape.height, shape.width, shape.channels], data);
}

async function preprocess(preprocessing: Preprocessing, feeds: Record<string, Tensor>, normalized = false) {
  const graph = new Graph();
  const pixels = inputPixels(graph, preprocessing);
  graph.output('x', normalized ? normalize(pixels, preprocessing) : pixels);
  const { x } = await (await runtime.open(graph)).run(feeds);
  const [, channels, height, width] = x.shape;
  return {
    shape: x.shape,
    at: (n: number, c: number, i: number, j: number) => Number(x.data[((n * channels + c) * height + i) * width + j]),
  };
}

/** One square of a colour over each image: [top, left, bottom, right], fully covered. */
function overlays(color: readonly number[], ...boxes: number[][]): Tensor<'uint8'> {
  const data = new Uint8Array(boxes.length * 32 * 32 * 4);
  boxes.forEach(([top, left, bottom, right], n) => {
    for (let y = top; y < bottom; y++)
      for (let x = left; x < right; x++) data.set([...color, 255], ((n * 32 + y) * 32 + x) * 4);
  });
  return tensor('uint8', [boxes.length, 32, 32, 4], data);
}

/** Bilinear sampling with half-pixel centres at output pixel (i, j), straight from its definition. */
function bilinear(value: (y: number, x: number) => number, from: number, to: number, i: number, j: number): number {
  const clamp = (at: number) => Math.min(Math.max(at, 0), from - 1);
  const y = clamp(((i + 0.5) * from) / to - 0.5);
  const x = clamp(((j + 0.5) * from) / to - 0.5);
  const [top, left] = [Math.floor(y), Math.floor(x)];
  const [down, right] = [y - top, x - left];
  const row = (r: number) => (1 - right) * value(clamp(r), left) + right * value(clamp(r), clamp(left + 1));
  return (1 - down) * row(top) + down * row(top + 1);
}

describe('pixels of the network’s input', () => {
  it('are levels / 255, channels first', async () => {
    const image = images(RGB, 2);
    const { shape, at } = await preprocess({ native: RGB, inputSize: 32, ...PLAIN }, { image });
    expect(shape).toEqual([2, 3, 32, 32]);
    for (let i = 0; i < image.data.length; i++) {
      const [c, j, y, n] = [i % 3, Math.floor(i / 3) % 32, Math.floor(i / 96) % 32, Math.floor(i / 3072)];
      if (at(n, c, y, j) !== Math.fround(image.data[i] / 255)) expect(at(n, c, y, j)).toBe(image.data[i] / 255);
    }
  });

  it('of grey images are the same in all three channels, resized bilinearly from 28 to 32', async () => {
    const image = images(GREY, 2);
    const { shape, at } = await preprocess({ native: GREY, inputSize: 32, ...PLAIN }, { image });
    expect(shape).toEqual([2, 3, 32, 32]);
    let worst = 0;
    for (let n = 0; n < 2; n++) {
      const value = (y: number, x: number) => image.data[n * 784 + y * 28 + x] / 255;
      for (let i = 0; i < 32; i++) {
        for (let j = 0; j < 32; j++) {
          const expected = bilinear(value, 28, 32, i, j);
          for (let c = 0; c < 3; c++) worst = Math.max(worst, Math.abs(at(n, c, i, j) - expected));
        }
      }
    }
    expect(worst).toBeLessThan(2e-7);
  });

  it('resized down: known values', async () => {
    // Two by two to one: the mean of all four. Four columns to two: the means of pairs.
    const image = tensor('uint8', [1, 2, 2, 1], Uint8Array.of(0, 51, 102, 255));
    const one = await preprocess({ native: { height: 2, width: 2, channels: 1 }, inputSize: 1, ...PLAIN }, { image });
    expect(one.at(0, 2, 0, 0)).toBeCloseTo((0 + 51 + 102 + 255) / 4 / 255, 6);
    const wide = tensor('uint8', [1, 2, 4, 1], Uint8Array.of(0, 51, 102, 255, 255, 255, 0, 0));
    const native = { height: 2, width: 4, channels: 1 } as const;
    const two = await preprocess({ native, inputSize: 2, ...PLAIN }, { image: wide });
    expect([two.at(0, 0, 0, 0), two.at(0, 0, 0, 1), two.at(0, 0, 1, 0), two.at(0, 0, 1, 1)]).toEqual([
      expect.closeTo(0.1, 6),
      expect.closeTo(0.7, 6),
      expect.closeTo(1, 6),
      expect.closeTo(0, 6),
    ]);
  });

  it('are normalised by channel', async () => {
    const image = images(RGB, 1);
    const preprocessing = { native: RGB, inputSize: 32, mean: [0.5, 0.25, 0.1], std: [0.5, 0.2, 2] };
    const { at } = await preprocess(preprocessing, { image }, true);
    for (let c = 0; c < 3; c++) {
      const level = image.data[(4 * 32 + 9) * 3 + c] / 255;
      expect(at(0, c, 4, 9)).toBeCloseTo((level - preprocessing.mean[c]) / preprocessing.std[c], 5);
    }
  });
});

describe('a pattern at input size', () => {
  it('is blended by its opacity where it covers the image, and leaves the bits of all other pixels', async () => {
    const image = images(RGB, 3);
    const color = [255, 0, 51];
    const overlay = { opacity: 0.25 };
    const before = await preprocess({ native: RGB, inputSize: 32, ...PLAIN }, { image });
    const feeds = { image, overlay: overlays(color, [0, 0, 2, 3], [30, 29, 32, 32], [0, 0, 0, 0]) };
    const after = await preprocess({ native: RGB, inputSize: 32, ...PLAIN, overlay }, feeds);
    const inside = [
      (i: number, j: number) => i < 2 && j < 3,
      (i: number, j: number) => i >= 30 && j >= 29,
      () => false,
    ];
    for (let n = 0; n < 3; n++) {
      for (let c = 0; c < 3; c++) {
        for (let i = 0; i < 32; i++) {
          for (let j = 0; j < 32; j++) {
            const was = before.at(n, c, i, j);
            const expected = inside[n](i, j) ? 0.75 * was + 0.25 * (color[c] / 255) : was;
            const allowed = inside[n](i, j) ? 1e-7 : 0;
            if (Math.abs(after.at(n, c, i, j) - expected) > allowed) expect(after.at(n, c, i, j)).toBe(expected);
          }
        }
      }
    }
  });

  it('on images of input size equals stamping the pixels on the host', async () => {
    const image = images(RGB, 2);
    const stamped = tensor('uint8', image.shape, image.data.slice());
    for (let y = 5; y < 10; y++) for (let x = 20; x < 25; x++) stamped.data.set([102, 179, 92], (y * 32 + x) * 3);
    const host = await preprocess({ native: RGB, inputSize: 32, ...PLAIN }, { image: stamped });
    const overlay = { opacity: 1 };
    const feeds = { image, overlay: overlays([102, 179, 92], [5, 20, 10, 25], [0, 0, 0, 0]) };
    const graph = await preprocess({ native: RGB, inputSize: 32, ...PLAIN, overlay }, feeds);
    for (let n = 0; n < 2; n++)
      for (let c = 0; c < 3; c++)
        for (let i = 0; i < 32; i++)
          for (let j = 0; j < 32; j++)
            if (graph.at(n, c, i, j) !== host.at(n, c, i, j)) expect(graph.at(n, c, i, j)).toBe(host.at(n, c, i, j));
  });

  it('lies on resized images in full, and in colour on grey ones', async () => {
    const image = images(GREY, 1);
    const overlay = { opacity: 1 };
    const feeds = { image, overlay: overlays([255, 0, 0], [28, 28, 32, 32]) };
    const { at } = await preprocess({ native: GREY, inputSize: 32, ...PLAIN, overlay }, feeds);
    expect([at(0, 0, 31, 31), at(0, 1, 31, 31), at(0, 2, 31, 31)]).toEqual([1, 0, 0]);
    expect([at(0, 0, 28, 28), at(0, 1, 28, 28)]).toEqual([1, 0]);
    expect(at(0, 0, 27, 28)).toBe(at(0, 1, 27, 28));
  });

  it('covers a pixel in part by its alpha', async () => {
    const image = images(RGB, 1);
    const before = await preprocess({ native: RGB, inputSize: 32, ...PLAIN }, { image });
    const overlay = overlays([200, 100, 0], [0, 0, 1, 1]);
    overlay.data[3] = 51;
    const after = await preprocess(
      { native: RGB, inputSize: 32, ...PLAIN, overlay: { opacity: 0.5 } },
      { image, overlay },
    );
    for (const c of [0, 1, 2]) {
      expect(after.at(0, c, 0, 0)).toBeCloseTo(0.9 * before.at(0, c, 0, 0) + (0.1 * [200, 100, 0][c]) / 255, 6);
    }
  });
});
