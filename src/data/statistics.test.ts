import { expect, it } from 'vitest';
import { memorySource } from './dataset.ts';
import { pixelStatistics } from './statistics.ts';

it('mean and deviation of each channel, over all rows', () => {
  const source = memorySource(
    { height: 1, width: 2, channels: 3 },
    Uint8Array.of(0, 9, 255, 2, 9, 255, 4, 9, 0, 6, 9, 0),
    new Uint16Array(2),
  );
  const seen: number[] = [];
  const { mean, std } = pixelStatistics(source, (done) => seen.push(done));
  expect(mean).toEqual([3, 9, 127.5]);
  expect(std).toEqual([Math.sqrt(5), 0, 127.5]);
  expect(seen).toEqual([2]);
});
