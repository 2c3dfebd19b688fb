import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { loadBuiltIn } from './built-in.ts';
import { type Dataset, type DatasetDefinition, memorySource } from './dataset.ts';
import { datasetFingerprint } from './fingerprint.ts';

const SHAPE = { height: 2, width: 2, channels: 1 } as const;
const split = (first: number, labels: number[]) =>
  memorySource(
    SHAPE,
    Uint8Array.from({ length: 4 * labels.length }, (_, i) => first + i),
    Uint16Array.from(labels),
  );
const tiny: Dataset = { name: 'tiny', classes: ['a', 'b'], train: split(0, [1, 0, 1]), test: split(100, [0]) };
const definition = { ...SHAPE, name: 'tiny', classes: ['a', 'b'], fingerprint: datasetFingerprint(tiny) };
const make = vi.fn(async () => tiny);
const load = () => loadBuiltIn(definition as unknown as DatasetDefinition, make);

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'built-in-'));
  vi.stubEnv('TRIGGERLAB_CACHE', join(folder, 'cache'));
  file = join(folder, 'cache', 'datasets', `${definition.fingerprint}.images`);
  make.mockClear();
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const content = ({ name, classes, train, test }: Dataset) => ({
  ...{ name, classes, fingerprint: datasetFingerprint({ train, test }) },
  labels: [[...train.labels], [...test.labels]],
  pixels: [...train.read([2, 0]), ...test.read([0])],
});

test('is made once, and the same when it is read again', async () => {
  expect(content(await load())).toEqual(content(tiny));
  const again = await load();
  expect(make).toHaveBeenCalledTimes(1);
  expect(content(again)).toEqual(content(tiny));
  expect(content(again).pixels).toEqual([8, 9, 10, 11, 0, 1, 2, 3, 100, 101, 102, 103]);
});

test('a file that is cut short, or differs in one byte anywhere, is made anew', async () => {
  await load();
  const whole = readFileSync(file);
  for (let at = 0; at < whole.length; at++) {
    const other = Buffer.from(whole);
    other[at] ^= 1;
    for (const damaged of [other, whole.subarray(0, at)]) {
      writeFileSync(file, damaged);
      expect(content(await load())).toEqual(content(tiny));
    }
  }
  expect(make.mock.calls.length).toBeGreaterThan(whole.length);
  expect(readFileSync(file).equals(whole)).toBe(true);
  expect(readdirSync(join(folder, 'cache', 'datasets'))).toHaveLength(1);
});

test('a cache that cannot be written is done without', async () => {
  writeFileSync(join(folder, 'cache'), 'in the way');
  expect(content(await load())).toEqual(content(tiny));
  rmSync(join(folder, 'cache'));
  mkdirSync(file, { recursive: true });
  expect(content(await load())).toEqual(content(tiny));
  expect(make).toHaveBeenCalledTimes(2);
  expect(existsSync(file)).toBe(true);
});

test('what making it throws is told, and nothing is kept', async () => {
  make.mockRejectedValueOnce(new Error('no pictures'));
  await expect(load()).rejects.toThrow('no pictures');
  expect(existsSync(file)).toBe(false);
});
