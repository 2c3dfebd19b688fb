import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { forgetCards } from '../models/weights/card.ts';
import { experimentFrom } from '../spec/parse.ts';
import { planExperiment } from '../spec/plan.ts';
import { catalogFor } from '../spec/references.ts';
import { checkUnchanged } from './check-unchanged.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'triggerlab-unchanged-'));
  mkdirSync(join(folder, 'weights'));
  vi.stubEnv('TRIGGERLAB_CACHE', folder);
});
afterAll(() => {
  vi.unstubAllEnvs();
  forgetCards();
  rmSync(folder, { recursive: true });
});

function importedElsewhere(name: string, digit: string): void {
  const [model, version] = name.split('@');
  const sha256 = digit.repeat(64);
  const card = { model, version, file: 'x.safetensors', sha256, inputSize: 224, classes: 10, data: 'x' };
  writeFileSync(join(folder, 'weights', `${name}.json`), JSON.stringify(card));
  forgetCards();
}

async function planned(model: string, init: string) {
  const spec = { name: 'x', dataset: 'mnist10k', model, init, inputSize: 64, attack: 'none' };
  const catalog = await catalogFor(spec);
  return planExperiment(experimentFrom(spec, { catalog }), catalog).runs[0];
}

it('refuses a run whose weights were replaced after it was planned', async () => {
  importedElsewhere('resnet18@mine', 'a');
  importedElsewhere('resnet18@V1', 'b');
  const [mine, plain, random] = await Promise.all([
    planned('resnet18@mine', 'pretrained'),
    planned('resnet18', 'pretrained'),
    planned('resnet18', 'random'),
  ]);
  for (const { runId, spec } of [mine, plain, random]) await checkUnchanged(runId, spec);
  importedElsewhere('resnet18@mine', 'c');
  await expect(checkUnchanged(mine.runId, mine.spec)).rejects.toMatchObject({
    kind: 'failed',
    message: expect.stringContaining(`resnet18@mine or mnist10k is no longer what run ${mine.runId} was planned with`),
  });
  await checkUnchanged(plain.runId, plain.spec);
  importedElsewhere('resnet18', 'd');
  await expect(checkUnchanged(plain.runId, plain.spec)).rejects.toMatchObject({ kind: 'failed' });
  await checkUnchanged(random.runId, random.spec);
});
