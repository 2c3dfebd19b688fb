// The poisoned set of a run, from the command line to the image-folder reader and back.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseDatasetReference } from '../src/core/references.ts';
import { openImageFolder } from '../src/data/image-folder.ts';
import { loadDataset } from '../src/data/loaded.ts';
import type { PoisonedSetManifest } from '../src/runner/export-poisoned-set.ts';
import { openStore } from '../src/store/open.ts';
import { cli } from './support/cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'triggerlab-poisoned-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SPEC = `
name: export
dataset: shapes?train=400&test=100
model: resnet-mini
freeze: head
training: {epochs: 1, learningRate: 0.01}
seed: 3
attack:
  - {type: wanet, poisonRate: 0.02, target: 4}
  - {type: badnets, size: 0.2, poisonRate: 0.1, labels: source-specific, sources: [1, 2], coverRate: 0.1, stampAt: input}
  - {type: badnets, size: 0.2, poisonRate: 0.02, poisonSet: per-batch}
`;
type Listed = { runId: string; attack: { type: string }; poisonSet?: string };
let runs: Listed[] = [];
const find = (type: string, poisonSet?: string) =>
  runs.find((run) => run.attack.type === type && run.poisonSet === poisonSet)?.runId ?? expect.fail(`no ${type} run`);

beforeAll(async () => {
  writeFileSync(join(folder, 'spec.yaml'), SPEC);
  const { code, stderr } = await cli(folder, 'run', 'spec.yaml');
  expect(stderr).not.toContain('failed');
  expect(code).toBe(0);
  runs = JSON.parse((await cli(folder, 'results', 'export', '--json')).stdout).runs;
}, 240_000);

describe('export --poisoned-set', () => {
  it('writes what the run recorded, and our reader finds the same images under the new labels', async () => {
    const runId = find('wanet');
    const { code, stdout, stderr } = await cli(folder, 'export', runId, '--poisoned-set', 'out/set', '--json');
    expect(stderr).not.toContain('warning');
    expect(code).toBe(0);
    const manifest: PoisonedSetManifest = JSON.parse(readFileSync(join(folder, 'out/set/poisoned-set.json'), 'utf8'));
    expect(JSON.parse(stdout)).toMatchObject({ runId, trainImages: 400, testImages: 100, attack: 8, noise: 16 });
    expect(manifest).toMatchObject({ trainImages: 400, run: { runId, seed: 3, targetClass: 4, attack: { k: 4 } } });
    expect(readdirSync(join(folder, 'out'))).toEqual(['set']);

    const store = await openStore(join(folder, '.triggerlab'), { mode: 'use', warn: () => {} });
    const recorded = JSON.parse(Buffer.from((await store.getArtifact(runId, 'poison')) ?? []).toString());
    await store.close();
    const listed = (mode: string) => manifest.poisoned.filter((one) => one.mode === mode);
    expect(recorded.attack.rows).toEqual(listed('attack').map(({ row }) => row));
    expect(recorded.attack.originalLabels).toEqual(listed('attack').map(({ originalLabel }) => originalLabel));
    expect(new Set(recorded.attack.labels)).toEqual(new Set([4]));
    expect(recorded.noise.rows).toEqual(listed('noise').map(({ row }) => row));
    expect(recorded.noise.labels).toEqual(recorded.noise.originalLabels);

    const clean = await loadDataset('shapes?test=100&train=400');
    const read = await (await openImageFolder(parseDatasetReference(join(folder, 'out/set')))).load();
    expect(read.classes).toEqual(manifest.classes.map((one) => one.folder));
    expect([read.train.count, read.test.count]).toEqual([400, 100]);
    const byRow = new Map(manifest.poisoned.map((one) => [one.row, one]));
    const labelOf = (row: number) => byRow.get(row)?.label ?? clean.train.labels[row];
    // The reader goes class by class, within a class by row.
    const order = Array.from({ length: 400 }, (_, row) => row).sort((a, b) => labelOf(a) - labelOf(b) || a - b);
    let changed = 0;
    for (const [i, row] of order.entries()) {
      const pixels = read.train.read([i]);
      expect(read.train.labels[i]).toBe(labelOf(row));
      const entry = byRow.get(row);
      if (entry) expect(createHash('sha256').update(pixels).digest('hex')).toBe(entry.sha256);
      if (Buffer.compare(pixels, clean.train.read([row])) !== 0) changed++;
    }
    expect(changed).toBeGreaterThan(20);
    expect(changed).toBeLessThanOrEqual(24);
    const whole = createHash('sha256');
    const place = new Map(order.map((row, i) => [row, i]));
    for (let row = 0; row < 400; row++)
      whole.update(read.train.read([place.get(row) ?? -1])).update(Uint8Array.of(labelOf(row), 0));
    expect(whole.digest('hex')).toBe(manifest.trainSha256);
  }, 120_000);

  it('at input size, with covers under their own label; into an empty directory', async () => {
    mkdirSync(join(folder, 'empty'));
    const { code } = await cli(folder, 'export', find('badnets'), '--poisoned-set', 'empty');
    expect(code).toBe(0);
    const manifest: PoisonedSetManifest = JSON.parse(readFileSync(join(folder, 'empty/poisoned-set.json'), 'utf8'));
    expect(manifest.image).toEqual({ height: 32, width: 32, channels: 3 });
    const count = (mode: string) => manifest.poisoned.filter((one) => one.mode === mode).length;
    expect([count('attack'), count('cover'), count('noise')]).toEqual([40, 40, 0]);
    for (const { mode, originalLabel, label, file } of manifest.poisoned) {
      expect(label).toBe(mode === 'attack' ? 0 : originalLabel);
      expect([1, 2].includes(originalLabel)).toBe(mode === 'attack');
      expect(existsSync(join(folder, 'empty', file))).toBe(true);
    }
  }, 120_000);

  it('refuses a directory with something in it, and two forms at once', async () => {
    const before = readdirSync(folder);
    const [filled, both] = await Promise.all([
      cli(folder, 'export', find('wanet'), '--poisoned-set', '.'),
      cli(folder, 'export', find('wanet'), '--poisoned-set', 'new', '--onnx', 'new.onnx'),
    ]);
    expect([filled.code, both.code]).toEqual([2, 2]);
    expect(filled.stderr).toContain('. is not empty');
    expect(both.stderr).toContain('give --onnx FILE or --poisoned-set DIR');
    expect(readdirSync(folder)).toEqual(before);
  });

  it.each([
    ['clean runs', () => find('none'), 'is clean: it has no poisoned set'],
    ['rows drawn for every batch', () => find('badnets', 'per-batch'), 'draws its poisoned rows anew for every batch'],
  ])('refuses %s', async (_, run, message) => {
    const { code, stderr } = await cli(folder, 'export', run(), '--poisoned-set', 'never');
    expect(stderr).toContain(message);
    expect(code).toBe(2);
    expect(existsSync(join(folder, 'never'))).toBe(false);
  });
});
