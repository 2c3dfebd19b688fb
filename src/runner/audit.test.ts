// The examination under a clock of the test's own: it ends in time, says what is missing, and goes on with the same bits.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ExaminedImages } from '../data/examined-images.ts';
import { PLANTED, plantedImages, plantedNetwork } from '../defenses/neural-cleanse/planted.fixture.ts';
import { cleanseSettings } from '../defenses/neural-cleanse/settings.ts';
import { encodeModel } from '../graph/onnx/encode.ts';
import { type ImportedModel, importedModel } from '../models/imported.ts';
import { shortcomings, verdictSentence } from '../report/audit-words.ts';
import { Runtime } from '../runtime/node.ts';
import { type AuditInput, auditModel } from './audit.ts';
import { auditBudget } from './audit-budget.ts';
import { keptAudits } from './audit-directory.ts';
import { AuditState } from './audit-state.ts';
import { classifierGraph } from './export-run.ts';

const folder = mkdtempSync(join(tmpdir(), 'audit-state-'));
const settings = cleanseSettings();
let runtime: Runtime;
let model: ImportedModel;
let images: ExaminedImages;
const warnings: string[] = [];

beforeAll(async () => {
  vi.stubEnv('TRIGGERLAB_CACHE', folder);
  runtime = new Runtime({ threads: 1 });
  const normalization = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
  model = importedModel(encodeModel(classifierGraph(await plantedNetwork(true), {}, false)), { normalization });
  const source = plantedImages();
  images = { source, classes: 'abcdef'.split(''), found: 96, sha256: 'a', names: [], cut: false };
});
afterAll(async () => {
  await runtime.close();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  rmSync(join(folder, 'audits'), { recursive: true, force: true });
  warnings.length = 0;
});

const newState = (limit = 1000) =>
  new AuditState(
    { model: model.weightsHash, inputSize: 8, images: { path: '/images' }, limit, settings, seed: 0 },
    (message) => warnings.push(message),
  );

const audit = (more: Partial<AuditInput> = {}) =>
  auditModel({
    ...{ runtime, model, images, settings, seed: 0, rate: 0.05, shown: 2, state: newState() },
    ...{ defenses: [{ type: 'neural-cleanse' }], budget: auditBudget(600, () => 0) },
    ...more,
  });

/** A clock that stands still until it has been asked so often, and is then at the end of the budget. */
function ticking(asks: number) {
  let asked = 0;
  return auditBudget(600, () => (asked++ < asks ? 0 : 601));
}

const nameOf = String;
const words = { nameOf, model: { path: 'x', sha256: 'x', title: 'x', classes: 6 } };
const subject = { ...words, images: { path: 'x', sha256: 'x', count: 96, found: 96, cut: false } };

describe('an audit that runs out of time', () => {
  it('says nothing of the classifier, what stands out so far, and what is missing', async () => {
    const found = await audit({ budget: ticking(30), state: undefined });
    expect(found.verdict).toMatchObject({ kind: 'inconclusive', suspicious: [] });
    expect(found.result.complete).toBe(false);
    expect(found.result.classes.every(({ steps }) => steps > 5 && steps < 75)).toBe(true);
    expect(found.secondsLeft).toBeGreaterThan(0);
    const sentence = verdictSentence(found, { ...subject, command: '', seed: 0, budget: 600 });
    expect(sentence).toMatch(/time allowed ended when 0 of 6 classes/);
    expect(shortcomings(found, subject).join(' ')).toMatch(/needs about .* more: the same command goes on from here/);
    expect(found.evidence).toEqual([]);
  });

  it('goes on from there in the next call, with the same bits as one that was not disturbed', async () => {
    const whole = await audit({ state: undefined });
    expect(whole.verdict).toMatchObject({ kind: 'suspicious', suspicious: [PLANTED.class] });
    const first = await audit({ budget: ticking(30) });
    expect(first.resumedSteps).toBe(0);
    const second = await audit({ budget: ticking(20) });
    expect(second.resumedSteps).toBe(first.result.classes.reduce((sum, { steps }) => sum + steps, 0));
    expect(second.result.complete).toBe(false);
    const last = await audit();
    expect(last.resumedSteps).toBeGreaterThan(second.resumedSteps);
    expect(last.result.classes).toEqual(whole.result.classes);
    expect(last.behaviour).toEqual(whole.behaviour);
    expect(last.verdict).toEqual(whole.verdict);
    expect(last.evidence).toEqual(whole.evidence);
    const again = await audit();
    expect(again.result.cost.backwardPasses).toBe(0);
    expect(again.result.classes).toEqual(whole.result.classes);
    expect(warnings).toEqual([]);
  });

  it('keeps classes that other calls of the same audit examine too', async () => {
    await audit({ classes: [0, 1, 2] });
    const { result, resumedSteps } = await audit();
    expect(resumedSteps).toBe(3 * 75);
    expect(result.classes).toEqual((await audit({ state: undefined })).result.classes);
  });

  it('can be interrupted', async () => {
    const stop = new AbortController();
    const onProgress = (what: string, done: number) => {
      if (what.startsWith('searching') && done > 100) stop.abort();
    };
    await expect(audit({ signal: stop.signal, onProgress })).rejects.toMatchObject({
      kind: 'failed',
      hint: expect.stringContaining('goes on from here'),
    });
    expect((await audit()).resumedSteps).toBeGreaterThan(100);
  });
});

describe('what an audit keeps', () => {
  it('is not used for other images, settings or seeds, nor when it was cleared', async () => {
    await audit({ budget: ticking(30) });
    expect(keptAudits()).toHaveLength(1);
    const other = { ...images, sha256: 'b' };
    expect((await audit({ images: other, budget: ticking(10) })).resumedSteps).toBe(0);
    expect(keptAudits()).toHaveLength(1);
    expect((await audit({ state: newState(7), budget: ticking(10) })).resumedSteps).toBe(0);
    const state = newState();
    await state.clear();
    expect((await audit({ state, images: other })).resumedSteps).toBe(0);
  });

  it('is searched anew where it is damaged', async () => {
    const whole = await audit({ budget: ticking(30) });
    const [{ path }] = keptAudits();
    const [lane, second] = readdirSync(path).filter((name) => name.endsWith('.safetensors'));
    writeFileSync(join(path, lane), 'nonsense');
    writeFileSync(join(path, second), Buffer.from([]));
    expect((await audit()).result.complete).toBe(true);
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toMatch(/cannot be used, its class is searched anew/);
    writeFileSync(join(path, 'state.json'), '{"images": 3}');
    expect((await audit({ budget: ticking(30) })).result.classes).toEqual(whole.result.classes);
    expect(warnings).toHaveLength(3);
  });
});
