import { beforeAll, describe, expect, it } from 'vitest';
import type { Dataset, ImageSource } from './dataset.ts';
import { datasetFingerprint } from './fingerprint.ts';
import { grayLevels, mnist10k } from './mnist10k.ts';
import { datasets } from './registry.ts';

const perClass = (source: ImageSource) => mnist10k.classes.map((_, c) => source.labels.filter((l) => l === c).length);

describe('mnist10k', () => {
  let dataset: Dataset;
  beforeAll(async () => {
    dataset = await mnist10k.load();
  });

  it('is what its definition says', () => {
    expect(datasets.get('mnist10k')).toBe(mnist10k);
    expect(datasetFingerprint(dataset)).toBe(mnist10k.fingerprint);
    for (const [source, count] of [
      [dataset.train, 8000],
      [dataset.test, 2000],
    ] as const) {
      expect(source).toMatchObject({ count, height: 28, width: 28, channels: 1 });
    }
    expect([mnist10k.trainCount, mnist10k.testCount]).toEqual([8000, 2000]);
  });

  it('has every digit in proportion in both splits', () => {
    expect(perClass(dataset.test)).toEqual([200, 225, 198, 206, 196, 173, 203, 214, 189, 196]);
    expect(perClass(dataset.train)).toEqual([801, 902, 793, 826, 784, 690, 811, 856, 755, 782]);
    expect(new Set(dataset.train.labels.slice(0, 100)).size).toBe(10);
  });

  it('has no image in both splits', () => {
    const keys = (source: ImageSource) =>
      Array.from({ length: source.count }, (_, row) => Buffer.from(source.read([row])).toString('latin1'));
    const train = new Set(keys(dataset.train));
    expect(keys(dataset.test).filter((key) => train.has(key))).toEqual([]);
  });

  it('shows digits the right way up: ones are narrow, sevens have most of their ink above the middle', () => {
    const mean = (digit: number) => {
      const rows = [...dataset.train.labels.keys()].filter((row) => dataset.train.labels[row] === digit);
      const pixels = dataset.train.read(rows);
      return Float64Array.from({ length: 784 }, (_, i) => rows.reduce((sum, _row, n) => sum + pixels[n * 784 + i], 0));
    };
    const ink = (image: Float64Array, rows: [number, number], columns: [number, number]) =>
      image.reduce((sum, value, i) => {
        const [y, x] = [Math.floor(i / 28), i % 28];
        return y >= rows[0] && y < rows[1] && x >= columns[0] && x < columns[1] ? sum + value : sum;
      }, 0);
    const one = mean(1);
    expect(ink(one, [0, 28], [9, 19])).toBeGreaterThan(0.9 * ink(one, [0, 28], [0, 28]));
    const seven = mean(7);
    expect(ink(seven, [0, 14], [0, 28])).toBeGreaterThan(ink(seven, [14, 28], [0, 28]));
  });
});

describe('grayLevels', () => {
  it('recovers all 256 levels from three decimals', () => {
    const rounded = Array.from({ length: 784 }, (_, i) => Number(((i % 256) / 255).toFixed(3)));
    expect([...grayLevels({ data: rounded })]).toEqual(Array.from({ length: 784 }, (_, i) => i % 256));
  });

  it.each([
    ['no object', null],
    ['no data', {}],
    ['no numbers', { data: [] }],
    ['part of an image', { data: Array(783).fill(0) }],
    ['a number between two levels', { data: [0.002, ...Array(783).fill(0)] }],
    ['a number above one', { data: [1.004, ...Array(783).fill(0)] }],
    ['a negative number', { data: [-0.004, ...Array(783).fill(0)] }],
    ['text', { data: ['1', ...Array(783).fill(0)] }],
  ])('refuses %s', (_what, json) => {
    expect(() => grayLevels(json)).toThrow(RangeError);
  });
});
