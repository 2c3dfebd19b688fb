import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { chooseLayout, keepLayout, possibleLayouts } from './layout.ts';

const cores = availableParallelism();
const measured = { workers: 1, threads: cores, imagesPerSecond: 10, memoryBytes: 1e9 };
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'layout-'));
  vi.stubEnv('TRIGGERLAB_CACHE', folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

it('splits cores evenly', () => {
  expect(possibleLayouts(1)).toEqual([{ workers: 1, threads: 1 }]);
  expect(possibleLayouts(6).map(({ workers, threads }) => [workers, threads])).toEqual([
    [6, 1],
    [3, 2],
    [2, 3],
    [1, 6],
  ]);
});

it('is one worker per core where nothing was measured, and never more than there are runs', () => {
  expect(chooseLayout(['resnet-mini'], 100)).toEqual({ workers: cores, threads: 1 });
  expect(chooseLayout(['resnet-mini'], 1)).toEqual({ workers: 1, threads: cores });
  expect(chooseLayout(['resnet-mini'], 100, 3 * cores)).toEqual({ workers: 3 * cores, threads: 1 });
});

it('is what was measured for a model of the sweep, unless the user wants another', async () => {
  await keepLayout('resnet152', measured);
  await keepLayout('resnet-mini', { ...measured, workers: cores, threads: 1 });
  expect(chooseLayout(['resnet152', 'resnet-mini'], 100)).toEqual({ workers: 1, threads: cores });
  expect(chooseLayout(['resnet-mini', 'toString'], 100)).toEqual({ workers: cores, threads: 1 });
  expect(chooseLayout(['resnet152'], 100, cores)).toEqual({ workers: cores, threads: 1 });
});

it.each(['', '{}', '{"schemaVersion":1,"machine":"another","models":{"resnet152":{"workers":1}}}', 'null'])(
  'does without a file that says %j',
  (text) => {
    writeFileSync(join(folder, 'layouts.json'), text);
    expect(chooseLayout(['resnet152'], 100)).toEqual({ workers: cores, threads: 1 });
  },
);
