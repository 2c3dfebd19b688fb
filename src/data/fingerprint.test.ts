import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { memorySource } from './dataset.ts';
import { datasetFingerprint } from './fingerprint.ts';

const split = (pixels: number[], labels: number[], width = 1) =>
  memorySource({ height: 1, width, channels: 1 }, Uint8Array.from(pixels), Uint16Array.from(labels));

describe('datasetFingerprint', () => {
  it('hashes counts, shape, pixels and labels of train, then test', () => {
    const u32 = (value: number) => [value & 255, value >> 8, 0, 0];
    const bytes = [
      [...u32(2), ...u32(1), ...u32(1), ...u32(1), 10, 20, 0, 0, 1, 1],
      [...u32(1), ...u32(1), ...u32(1), ...u32(1), 30, 3, 0],
    ].flat();
    expect(datasetFingerprint({ train: split([10, 20], [0, 257]), test: split([30], [3]) })).toBe(
      createHash('sha256').update(Uint8Array.from(bytes)).digest('hex'),
    );
  });

  it('is the same however many rows are read at once, and changes with every part', () => {
    const count = 1300;
    const pixels = Array.from({ length: count }, (_, i) => i % 251);
    const labels = Array.from({ length: count }, (_, i) => i % 10);
    const test = split([1], [1]);
    const base = datasetFingerprint({ train: split(pixels, labels), test });
    const others = [
      { train: split(pixels.with(1299, 255), labels), test },
      { train: split(pixels, labels.with(1299, 0)), test },
      { train: split(pixels, labels.slice(0, 650), 2), test },
      { train: test, test: split(pixels, labels) },
    ].map(datasetFingerprint);
    expect(new Set([base, ...others]).size).toBe(5);
    expect(datasetFingerprint({ train: split(pixels, labels), test })).toBe(base);
  });
});
