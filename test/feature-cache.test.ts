// Kept features across processes: a writer that is killed, two at once, and the commands that list and clear them.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { FeatureStore, storedFeatures } from '../src/data/feature-store.ts';
import { cli } from './support/cli.ts';

const DIST = new URL('../dist/', import.meta.url).href;
const ROWS = 400;
const WIDTH = 2000;
const root = mkdtempSync(join(tmpdir(), 'feature-cache-'));
afterAll(() => rmSync(root, { recursive: true }));

/** Row r of width W is r, r + 1, …; a process that adds all rows, twenty at a time, and says how far it is. */
const WRITER = `
const { FeatureStore } = await import('${DIST}data/feature-store.js');
const [directory, from] = [process.argv[2], Number(process.argv[3])];
const table = new FeatureStore({ directory, limit: 1e9 })
  .table('table', { model: 'm', inputSize: 32, boundary: 'b', width: ${WIDTH} });
const key = (row) => String(row).padStart(16, '0');
for (let i = 0; i < ${ROWS}; i += 20) {
  const rows = Array.from({ length: 20 }, (_, k) => (from + i + k) % ${ROWS});
  await table.refresh();
  const missing = rows.filter((row) => !table.has(key(row)));
  if (missing.length === 0) continue;
  const data = Float32Array.from({ length: missing.length * ${WIDTH} }, (_, k) => missing[Math.floor(k / ${WIDTH})] + (k % ${WIDTH}));
  await table.add({ keys: missing.map(key), data });
  process.stdout.write(missing.length + ' ');
}`;

function writer(directory: string, from: number) {
  const script = join(root, 'writer.mjs');
  writeFileSync(script, WRITER);
  const child = spawn(process.execPath, [script, directory, String(from)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let written = '';
  child.stdout.on('data', (chunk) => {
    written += chunk;
  });
  const done = new Promise<number | null>((resolve) => child.on('close', resolve));
  return { child, done, written: () => written.trim().split(' ').filter(Boolean).map(Number) };
}

/** Rows that a new process finds; each is checked. */
async function found(directory: string): Promise<number> {
  const store = new FeatureStore({
    directory,
    limit: 1e9,
    warn: (message) => expect.fail(message),
  });
  const table = store.table('table', { model: 'm', inputSize: 32, boundary: 'b', width: WIDTH });
  await table.refresh();
  let count = 0;
  const out = new Float32Array(WIDTH);
  for (let row = 0; row < ROWS; row++) {
    if (!(await table.read(String(row).padStart(16, '0'), out))) continue;
    expect(out.every((value, i) => value === row + i)).toBe(true);
    count++;
  }
  return count;
}

describe('a store of features', () => {
  it('a killed writer leaves whole files or none, and another goes on from there', async () => {
    const directory = join(root, 'killed');
    const first = writer(directory, 0);
    while (first.written().length < 3 && first.child.exitCode === null)
      await new Promise((next) => setTimeout(next, 1));
    first.child.kill('SIGKILL');
    await first.done;
    const kept = await found(directory);
    expect(kept).toBeGreaterThanOrEqual(60);
    const second = writer(directory, 0);
    expect(await second.done).toBe(0);
    expect(second.written().reduce((sum, rows) => sum + rows, 0)).toBe(ROWS - kept);
    expect(await found(directory)).toBe(ROWS);
  });

  it('two processes at once share the work and end with every row', async () => {
    const directory = join(root, 'two');
    const both = [writer(directory, 0), writer(directory, ROWS / 2)];
    expect(await Promise.all(both.map(({ done }) => done))).toEqual([0, 0]);
    expect(await found(directory)).toBe(ROWS);
    expect(readdirSync(join(directory, 'table')).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});

describe('triggerlab cache', () => {
  it('lists what is kept, and clears it', async () => {
    const cache = join(root, 'cli');
    process.env.TRIGGERLAB_CACHE = cache;
    const directory = join(cache, 'features');
    const description = { model: 'alexnet', inputSize: 224, boundary: 'Flatten:out [3]', width: 3 };
    const table = new FeatureStore({ directory, limit: 1e6 }).table('table', description);
    await table.add({ keys: ['0123456789abcdef'], data: Float32Array.of(1, 2, 3) });
    const listed = JSON.parse((await cli(root, 'cache', 'ls', '--json')).stdout);
    const [{ bytes }] = storedFeatures(directory);
    expect(listed).toMatchObject({
      directory,
      limitBytes: 20e9,
      bytes,
      features: [{ ...description, path: join(directory, 'table'), files: 1, bytes, lastUsed: expect.any(String) }],
    });
    expect((await cli(root, 'cache')).stdout).toMatch(/alexnet +224 px +Flatten:out \[3\] +3 /);
    process.env.TRIGGERLAB_FEATURES = '5 apples';
    const wrong = await cli(root, 'cache', 'ls');
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('TRIGGERLAB_FEATURES is "5 apples"')]);
    delete process.env.TRIGGERLAB_FEATURES;
    const cleared = JSON.parse((await cli(root, 'cache', 'clear', '--json')).stdout);
    expect(cleared).toMatchObject({ directory, removedFiles: 1, removedBytes: bytes });
    expect(JSON.parse((await cli(root, 'cache', 'ls', '--json')).stdout).features).toEqual([]);
    expect((await cli(root, 'cache', 'clear')).stdout).toContain('Nothing is cached');
  });
});
