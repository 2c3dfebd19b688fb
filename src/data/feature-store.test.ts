// Files of features: whole or not there, checked, bounded, shared.
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FeatureFile, featureFileBytes, keyHash, writeFeatureFile } from './feature-file.ts';
import { FeatureStore, type FeatureStoreOptions, type FeatureTable, storedFeatures } from './feature-store.ts';

const WIDTH = 6;
const DESCRIPTION = { model: 'alexnet', inputSize: 64, boundary: 'Flatten:out [6]', width: WIDTH };

let directory: string;
let warnings: string[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'features-'));
  warnings = [];
});
afterEach(() => rmSync(directory, { recursive: true }));

const keysOf = (...rows: number[]) => rows.map((row) => keyHash(`row ${row}`));
const numbersOf = (row: number) => Float32Array.from({ length: WIDTH }, (_, i) => 10 * row + i / 3);
const rowsOf = (...rows: number[]) => ({
  keys: keysOf(...rows),
  data: Float32Array.from(rows.flatMap((row) => [...numbersOf(row)])),
});
const storeOf = (options: Partial<FeatureStoreOptions> = {}) =>
  new FeatureStore({ directory, limit: 1e6, warn: (message) => warnings.push(message), ...options });
const tableOf = (store: FeatureStore) => store.table('table', DESCRIPTION);

function read(table: FeatureTable, row: number): Float32Array | undefined {
  const out = new Float32Array(WIDTH);
  return table.read(keysOf(row)[0], out) ? out : undefined;
}

describe('a file of features', () => {
  it('gives back its rows, from disk or memory', async () => {
    const path = join(directory, 'one.features');
    await writeFeatureFile(path, rowsOf(4, 5, 6), WIDTH);
    expect(readFileSync(path)).toHaveLength(featureFileBytes(3, WIDTH));
    const file = new FeatureFile(path, WIDTH);
    expect(file.keys).toEqual(keysOf(4, 5, 6));
    const store = storeOf();
    for (const loaded of [false, true]) {
      if (loaded) file.load();
      const out = new Float32Array(WIDTH);
      file.read(1, out, () => store.descriptor(path));
      expect(out).toEqual(numbersOf(5));
    }
    expect(() => new FeatureFile(path, WIDTH + 1)).toThrow('does not begin');
  });
});

describe('a store of features', () => {
  it.each([0, 1e6])('%d bytes of memory: another store finds what one has kept', async (memory) => {
    const one = tableOf(storeOf({ memory }));
    await one.add(rowsOf(1, 2));
    await one.add(rowsOf(3));
    const other = tableOf(storeOf({ memory }));
    expect(other.has(keysOf(1)[0])).toBe(false);
    await other.refresh();
    expect(keysOf(1, 2, 3, 4).map((key) => other.has(key))).toEqual([true, true, true, false]);
    for (const row of [3, 1, 2]) expect(read(other, row)).toEqual(numbersOf(row));
    expect(read(other, 4)).toBeUndefined();
    const about = JSON.parse(readFileSync(join(directory, 'table', 'about.json'), 'utf8'));
    expect(about).toEqual(DESCRIPTION);
    expect(warnings).toEqual([]);
  });

  it.each([
    ['cut short', (path: string) => truncateSync(path, 100)],
    ['too long', (path: string) => appendFileSync(path, 'x')],
    ['empty', (path: string) => truncateSync(path, 0)],
    ['something else', (path: string) => writeFileSync(path, Buffer.alloc(300, 7))],
    ['a wrong key', (path: string) => flip(path, 20)],
  ])('a file that is %s is deleted with a warning', async (_, damage) => {
    await tableOf(storeOf()).add(rowsOf(1, 2));
    const [{ path }] = storedFeatures(directory);
    damage(path);
    const table = tableOf(storeOf());
    await table.refresh();
    expect(table.has(keysOf(1)[0])).toBe(false);
    expect(warnings).toEqual([expect.stringMatching(/^cached features in .* are damaged .*computed again$/)]);
    expect(storedFeatures(directory)).toEqual([]);
  });

  it.each([0, 1e6])('%d bytes of memory: a wrong number in a row is noticed when it is read', async (memory) => {
    const table = tableOf(storeOf({ memory }));
    await table.add(rowsOf(1, 2));
    const [{ path, bytes }] = storedFeatures(directory);
    flip(path, bytes - 1);
    expect(read(table, 2)).toBeUndefined();
    expect(warnings[0]).toContain('the checksum of row 1 is wrong');
    expect(table.has(keysOf(1)[0])).toBe(false);
    await table.add(rowsOf(2));
    expect(read(table, 2)).toEqual(numbersOf(2));
  });

  it('reads on from a file that another process has deleted, or says that it is gone', async () => {
    const table = tableOf(storeOf({ memory: 0 }));
    await table.add(rowsOf(1));
    await table.add(rowsOf(2));
    for (const { path } of storedFeatures(directory)) rmSync(path);
    expect(read(table, 1)).toBeUndefined();
    expect(warnings).toEqual([]);
    await table.refresh();
    expect(table.has(keysOf(2)[0])).toBe(false);
  });

  it('stays within its limit: what was unused for longest goes', async () => {
    const size = featureFileBytes(1, WIDTH);
    const store = storeOf({ limit: 3 * size });
    const table = tableOf(store);
    for (const row of [1, 2, 3]) {
      await table.add(rowsOf(row));
      for (const { path, used } of storedFeatures(directory)) utimesSync(path, used / 1000 - 60, used / 1000 - 60);
    }
    table.touch(keysOf(1));
    await table.add(rowsOf(4));
    await table.refresh();
    expect(keysOf(1, 2, 3, 4).map((key) => table.has(key))).toEqual([true, false, true, true]);
    expect(storedFeatures(directory).reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(3 * size);
    expect(store.hasRoom(2 * size)).toBe(true);
    expect(store.hasRoom(4 * size)).toBe(false);
    await expect(table.add(rowsOf(10, 11, 12, 13, 14, 15, 16, 17))).rejects.toThrow('no room for');
  });

  it('leaves nothing of a writer that stopped half-way, and clears up after it in time', async () => {
    const table = tableOf(storeOf());
    await table.add(rowsOf(1));
    const left = ['.old.tmp', '.new.tmp'].map((name) => join(directory, 'table', name));
    for (const path of left) writeFileSync(path, readFileSync(storedFeatures(directory)[0].path).subarray(0, 90));
    const longAgo = Date.now() / 1000 - 7200;
    utimesSync(left[0], longAgo, longAgo);
    const other = tableOf(storeOf());
    await other.refresh();
    expect(read(other, 1)).toEqual(numbersOf(1));
    expect(readdirSync(join(directory, 'table')).filter((name) => name.endsWith('.tmp'))).toEqual(['.new.tmp']);
    expect(warnings).toEqual([]);
  });

  it('a directory that cannot be made has no room', () => {
    writeFileSync(join(directory, 'file'), '');
    expect(storeOf({ directory: join(directory, 'file', 'inside') }).hasRoom(1)).toBe(false);
  });
});

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] ^= 1;
  writeFileSync(path, bytes);
}
