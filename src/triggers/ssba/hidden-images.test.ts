// Images with secrets: made once, the same bits whether they come from the store or not, whole again when the store is damaged.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Image } from '../../core/images.ts';
import { Rng } from '../../core/rng.ts';
import type { Tensor } from '../../core/tensor.ts';
import { FeatureStore } from '../../data/feature-store.ts';
import { initialize } from '../../models/initializers.ts';
import { stegastampParameters } from '../../models/stegastamp.ts';
import { Runtime } from '../../runtime/node.ts';
import { Codec } from './codec.ts';
import { HiddenImages, type Secrets } from './hidden-images.ts';
import { randomBits, secretOf } from './secrets.ts';

const SHAPE = { height: 9, width: 9, channels: 3 } as const;
const BYTES = 9 * 9 * 3;
const size = { image: SHAPE, bits: 5, width: 2, decoderWidth: 2 };
const root = mkdtempSync(join(tmpdir(), 'triggerlab-hidden-'));
const runtime = new Runtime({ threads: 1 });
const parameters: Record<string, Tensor> = Object.fromEntries(
  stegastampParameters(size).map(({ name, shape, initializer }) => [
    name,
    initialize(initializer, shape, Rng.of(0, name)),
  ]),
);
const codec = new Codec(runtime, size, parameters);
const hide = vi.spyOn(codec, 'hide');
const ONE: Secrets = { mode: 'one', seed: 0 };
let directory: string;
let count = 0;

beforeEach(() => {
  directory = join(root, String(count++));
  hide.mockClear();
});
afterAll(async () => {
  await runtime.close();
  rmSync(root, { recursive: true });
});

const store = (limit = 1e9) => new FeatureStore({ directory, limit, warn: () => {} });
const images = (first: number, last: number): Image[] =>
  Array.from({ length: last - first }, (_, i) => ({
    ...SHAPE,
    pixels: Uint8Array.from({ length: BYTES }, (_pixel, at) => (first + i) * 20 + at / 2),
  }));
const pixelsOf = (list: readonly Image[]) => Buffer.concat(list.map(({ pixels }) => pixels)).toString('hex');
const made = () => hide.mock.calls.reduce((sum, [pixels]) => sum + pixels.length / BYTES, 0);

async function hidden(list: Image[], secrets = ONE, at = store(), hash = 'encoder'): Promise<string> {
  await new HiddenImages(codec, hash, secrets, at).hideIn(list);
  return pixelsOf(list);
}

describe('HiddenImages', () => {
  it('makes an image once, for all processes, whatever comes with it', async () => {
    const first = await hidden(images(0, 6));
    expect(first).not.toBe(pixelsOf(images(0, 6)));
    expect(made()).toBe(6);
    const twice = [...images(8, 9), ...images(2, 4), ...images(8, 9)];
    const again = await hidden(twice);
    expect(made()).toBe(7);
    expect(again.slice(2 * BYTES, 6 * BYTES)).toBe(first.slice(2 * 2 * BYTES, 2 * 4 * BYTES));
    expect(again.slice(-2 * BYTES)).toBe(again.slice(0, 2 * BYTES));
  });

  it('keeps encoders and secrets apart', async () => {
    const others: Secrets[] = [
      { mode: 'one', seed: 1 },
      { mode: 'per-image', seed: 0 },
    ];
    const all = [
      await hidden(images(0, 2)),
      await hidden(images(0, 2), others[0]),
      await hidden(images(0, 2), others[1]),
    ];
    expect(new Set(all).size).toBe(3);
    await hidden(images(0, 2), ONE, store(), 'another encoder');
    expect(made()).toBe(8);
  });

  it('makes damaged images again', async () => {
    const first = await hidden(images(0, 3));
    const [folder] = readdirSync(directory);
    const file = readdirSync(join(directory, folder)).find((name) => name.endsWith('.features')) as string;
    const path = join(directory, folder, file);
    const bytes = readFileSync(path);
    bytes[bytes.length - 1] ^= 255;
    writeFileSync(path, bytes);
    expect(await hidden(images(0, 3))).toBe(first);
    expect(made()).toBeGreaterThan(3);
  });

  it('does without a store', async () => {
    const first = await hidden(images(0, 3), ONE, store(0));
    expect(await hidden(images(0, 3), ONE, store(0))).toBe(first);
    expect(made()).toBe(6);
    expect(await hidden(images(0, 3))).toBe(first);
  });
});

describe('secretOf', () => {
  const [a, b] = images(0, 2).map(({ pixels }) => pixels);
  it('is one for all images, or each its own', () => {
    expect(secretOf('one', 20, 0, a)).toEqual(secretOf('one', 20, 0, b));
    expect(secretOf('per-image', 20, 0, a)).toEqual(secretOf('per-image', 20, 0, a.slice()));
    expect(secretOf('per-image', 20, 0, a)).not.toEqual(secretOf('per-image', 20, 0, b));
    expect(secretOf('one', 20, 1, a)).not.toEqual(secretOf('one', 20, 0, a));
  });

  it('has zeros and ones in about equal numbers', () => {
    const bits = randomBits(1000, Rng.of(0, 'bits'));
    expect(new Set(bits)).toEqual(new Set([0, 1]));
    expect(Math.abs(bits.reduce((sum, bit) => sum + bit, 0) - 500)).toBeLessThan(60);
  });
});
