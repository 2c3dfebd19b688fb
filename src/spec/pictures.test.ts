// Pictures in specs: known by their content, told where they stand, refused before any run.
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { factorsAcross } from '../analysis/factors.ts';
import { checkUnchanged } from '../runner/check-unchanged.ts';
import { experimentFrom } from './parse.ts';
import { flatFields, planExperiment } from './plan.ts';
import { catalogFor } from './references.ts';

let folder: string;
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'triggerlab-spec-picture-'));
  for (const [name, background] of [
    ['red', '#f00'],
    ['blue', '#00f'],
  ]) {
    await sharp({ create: { width: 4, height: 4, channels: 3, background } })
      .png()
      .toFile(at(`${name}.png`));
  }
  copyFileSync(at('red.png'), at('other.png'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function planned(attack: object, more: object = {}) {
  const spec = { name: 'x', dataset: 'mnist10k', model: 'resnet-mini', poisonRate: 0.1, attack, ...more };
  const catalog = await catalogFor(spec);
  return planExperiment(experimentFrom(spec, { catalog }), catalog).runs.filter(({ twinId }) => twinId !== undefined);
}

it('the content counts, not the path', async () => {
  const [red] = await planned({ type: 'blended', image: at('red.png') });
  const [copy] = await planned({ type: 'blended', image: at('other.png') });
  const [blue] = await planned({ type: 'blended', image: at('blue.png') });
  const [noise] = await planned({ type: 'blended' });
  expect(copy.runId).toBe(red.runId);
  expect(new Set([red.runId, blue.runId, noise.runId]).size).toBe(3);
  await checkUnchanged(red.runId, red.spec);
  const both = await planned({ type: 'blended', image: [at('red.png'), at('other.png'), at('blue.png')] });
  expect(both.map(({ runId }) => runId).sort()).toEqual([red.runId, blue.runId].sort());
});

it('are shown by name and content', async () => {
  const [run] = await planned({ type: 'badnets', size: 0.2, image: at('red.png') });
  expect(flatFields(run.spec)['attack.image']).toMatch(/^red\.png \([0-9a-f]{8}\)$/);
});

it('what a run leaves unsaid is a level of its factor', async () => {
  const runs = await planned([
    { type: 'badnets', size: 0.2, shape: ['square', 'circle'] },
    { type: 'badnets', size: 0.2, image: at('red.png') },
  ]);
  const { varying, constant } = factorsAcross(runs.map(({ spec }) => spec));
  expect(varying).toEqual(['image', 'shape']);
  expect(constant.map(([name]) => name)).not.toContain('sizeBy');
});

it('a plan counts what runs leave unsaid among the levels of a factor', () => {
  const attack = { type: 'badnets', size: 0.2, shape: ['square', 'circle'], poisonRate: 0.1 };
  const spec = { name: 'x', dataset: 'mnist10k', model: 'resnet-mini', seed: [0, 1], attack };
  const { factors } = planExperiment(experimentFrom(spec));
  expect(factors.find(({ field }) => field === 'attack.shape')?.levels).toEqual([
    { value: 'circle', poisoned: 2, clean: 0 },
    { value: 'square', poisoned: 2, clean: 0 },
  ]);
  expect(factors.some(({ field }) => field === 'attack.sizeBy')).toBe(false);
});

it.each([
  [{ type: 'blended', image: './nowhere.png' }, 'spec: picture: ./nowhere.png: no such file'],
  [{ type: 'badnets', size: 0.2, image: ['./nowhere.png'] }, 'spec: picture: ./nowhere.png: no such file'],
])('%j: a file that is not there', async (attack, message) => {
  await expect(catalogFor({ name: 'x', attack })).rejects.toMatchObject({ kind: 'input', message });
});

it('a file that is no picture is refused, also where only a rule names it', async () => {
  writeFileSync(at('text.png'), 'text');
  const refusal = { kind: 'input', message: expect.stringContaining('cannot decode') };
  await expect(planned({ type: 'blended', image: at('text.png') })).rejects.toMatchObject(refusal);
  // biome-ignore lint/suspicious/noThenProperty: a word of the spec.
  const when = [{ if: { seed: 0 }, then: { 'attack.image': at('text.png') } }];
  await expect(planned({ type: 'blended', image: at('red.png') }, { when })).rejects.toMatchObject(refusal);
});
