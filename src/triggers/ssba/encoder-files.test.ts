import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Rng } from '../../core/rng.ts';
import { filled, type Tensor } from '../../core/tensor.ts';
import { initialize } from '../../models/initializers.ts';
import { stegastampParameters } from '../../models/stegastamp.ts';
import { encodeSafetensors } from '../../models/weights/safetensors.ts';
import { encoderDirectory, encoderPath, readEncoder, storedEncoders, writeEncoder } from './encoder-files.ts';

const size = { image: { height: 8, width: 8, channels: 1 }, bits: 2, width: 2, decoderWidth: 2 } as const;
const KEY = '0123456789abcdef0123';
const card = {
  ...{ dataset: 'tiny', side: 8, bits: 2, width: 2, schedule: 'fast', seed: 0, steps: 3, seconds: 1 },
  ...{ bitAccuracy: 0.5, psnr: 20 },
};

function parameters(seed = 0): Record<string, Tensor> {
  return Object.fromEntries(
    stegastampParameters(size).map(({ name, shape, initializer }) => [
      name,
      initialize(initializer, shape, Rng.of(seed, name)),
    ]),
  );
}

const before = process.env.TRIGGERLAB_CACHE;
beforeEach(() => {
  process.env.TRIGGERLAB_CACHE = mkdtempSync(join(tmpdir(), 'triggerlab-encoders-'));
});
afterEach(() => {
  rmSync(process.env.TRIGGERLAB_CACHE as string, { recursive: true });
  process.env.TRIGGERLAB_CACHE = before;
});

describe('encoder files', () => {
  it('come back as they were written, and have a hash of their numbers', async () => {
    expect(readEncoder(KEY, size)).toBeUndefined();
    expect(storedEncoders()).toEqual([]);
    await writeEncoder(KEY, parameters(), card);
    const read = readEncoder(KEY, size);
    expect(read?.card).toEqual(card);
    expect(read?.parameters['decoder.bits.weight']).toEqual(parameters()['decoder.bits.weight']);
    expect(storedEncoders()).toMatchObject([{ key: KEY, card }]);
    await writeEncoder(KEY, parameters(1), card);
    expect(readEncoder(KEY, size)?.hash).not.toBe(read?.hash);
  });

  it.each<[string, () => Promise<void>, RegExp]>([
    ['cut off', () => truncate(encoderPath(KEY), 5000), /not a valid safetensors file/],
    ['no safetensors file', () => writeFile(encoderPath(KEY), 'x'.repeat(100)), /not a valid safetensors file/],
    ['far too large', () => writeFile(encoderPath(KEY), Buffer.alloc(3e6)), /too large/],
    ['of other settings', () => rewrite(parameters(), { key: 'f'.repeat(20) }), /other settings/],
    ['without a tensor', () => rewrite({ ...parameters(), 'decoder.bits.bias': filled([3], 0) }), /decoder.bits.bias/],
    ['not finite', () => rewrite({ ...parameters(), 'decoder.bits.bias': filled([2], Number.NaN) }), /not finite/],
    ['without a card', () => rewrite(parameters(), { card: '' }), /damaged/],
  ])('are refused when they are %s', async (_, spoil, message) => {
    await writeEncoder(KEY, parameters(), card);
    await spoil();
    expect(() => readEncoder(KEY, size)).toThrow(message);
  });

  it('that cannot be read are listed as such', async () => {
    await mkdir(encoderDirectory(), { recursive: true });
    await writeFile(encoderPath(KEY), 'hello');
    await writeFile(join(encoderDirectory(), 'notes.txt'), 'hello');
    expect(storedEncoders()).toEqual([{ key: KEY, bytes: 5 }]);
  });
});

function rewrite(tensors: Record<string, Tensor>, metadata: Record<string, string> = {}): Promise<void> {
  return writeFile(encoderPath(KEY), encodeSafetensors(tensors, { key: KEY, card: JSON.stringify(card), ...metadata }));
}
