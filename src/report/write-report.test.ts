import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseHTML } from 'linkedom';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunRecord } from '../store/records.ts';
import { syntheticExperiment, syntheticFailure, syntheticRun } from './synthetic-runs.fixture.ts';
import { writeReport } from './write-report.ts';

const HOSTILE = `</script><script>alert(1)</script>"><img src=x onerror=alert(1)>&amp;'\u0000`;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'triggerlab-report-'));
});
afterAll(() => rm(directory, { recursive: true }));

async function report(runs: readonly RunRecord[], specText = 'name: synthetic\n', name = 'synthetic') {
  const written = await writeReport({
    experiment: { name, specText, resolved: { description: name } },
    runs,
    directory,
  });
  const text = await readFile(written.html, 'utf8');
  return { ...written, text, document: parseHTML(text).document };
}

describe('writeReport', () => {
  it('writes the page, its tables, figures and spec, and nothing else', async () => {
    const { files, html } = await report(syntheticExperiment({ sizes: [0.16], positions: ['middle'] }));
    expect(html).toBe(join(directory, 'index.html'));
    expect(files.map((path) => path.slice(directory.length + 1)).sort()).toEqual((await readdir(directory)).sort());
    const tables = ['anova-asr-badnets', 'anova-cad-badnets', 'claims', 'claims-not-tested', 'clean-accuracy', 'cost'];
    const more = ['importance-asr-badnets', 'importance-cad-badnets', 'intervals', 'power', 'results'];
    const charts = ['asr', 'clean-accuracy-drop', 'attribution-asr-badnets', 'attribution-cad-badnets'];
    expect((await readdir(directory)).sort()).toEqual(
      [
        ...[...tables, ...more].flatMap((name) => [`${name}.csv`, `${name}.tex`]),
        ...[...charts, 'terms-asr-badnets', 'terms-cad-badnets'].map((name) => `${name}.svg`),
        ...['experiment.yaml', 'index.html', 'runs.csv'],
      ].sort(),
    );
    expect(await readFile(join(directory, 'asr.svg'), 'utf8')).toMatch(/^<svg /);
  });

  it('is whole in itself and fit for screen readers', async () => {
    const runs = [...syntheticExperiment({ sizes: [0.16], positions: ['middle'] }), syntheticFailure('out of memory')];
    const { text, document } = await report(runs);
    expect(text).not.toMatch(/(src|href)="(?!data:|#)/);
    expect(text).not.toMatch(/url\(|@import/);
    expect(document.querySelector('html')?.getAttribute('lang')).toBe('en');
    for (const landmark of ['header', 'nav', 'main', 'footer']) {
      expect(document.querySelectorAll(landmark)).toHaveLength(1);
    }
    const levels = [...document.querySelectorAll('h1,h2,h3')].map((heading) => Number(heading.tagName[1]));
    expect(levels[0]).toBe(1);
    expect(levels.every((level, at) => at === 0 || (level > 1 && level <= levels[at - 1] + 1))).toBe(true);
    for (const image of document.querySelectorAll('img')) expect(image.getAttribute('alt')).not.toBe('');
    for (const table of document.querySelectorAll('table')) expect(table.querySelector('caption')).not.toBeNull();
    for (const head of document.querySelectorAll('th')) expect(head.getAttribute('scope')).toMatch(/^(row|col)$/);
    const ids = [...document.querySelectorAll('[id]')].map((element) => element.getAttribute('id'));
    expect(new Set(ids).size).toBe(ids.length);
    for (const link of document.querySelectorAll('a')) expect(ids).toContain(link.getAttribute('href')?.slice(1));
  });

  it('computes its summary from the runs', async () => {
    const attack = { type: 'badnets', size: 0.16, position: 'middle', color: 'white' };
    const runs = [1, 2].map((seed) => {
      const run = syntheticRun({ attack, poisonRate: 0.02, seed });
      return run.metrics ? { ...run, metrics: { ...run.metrics, asr: seed === 1 ? 0.5 : 0.7 } } : run;
    });
    const { document } = await report([syntheticRun(), ...runs, syntheticFailure('out of memory', { seed: 2 })]);
    const lead = document.querySelector('.lead')?.textContent?.replaceAll('\u00a0', ' ');
    expect(lead).toContain('4 runs: 3 done, 1 failed.');
    expect(lead).toMatch(/Without an attack, resnet-mini classifies 9\d\.\d \[.*\] % of the 2,000 test images rightly/);
    expect(lead).toContain('Against resnet-mini the highest attack success rate is 60.0 ± 14.1 %, with badnets');
    expect(document.querySelector('main')?.textContent).toContain('out of memory');
    expect(document.querySelectorAll('.trigger img')).toHaveLength(3);
  });

  it('is the same page whatever happened before', async () => {
    const runs = syntheticExperiment({ sizes: [0.16], positions: ['middle'] });
    expect((await report(runs)).text).toBe((await report(runs)).text);
  });

  it('escapes whatever people wrote', async () => {
    const attack = { type: HOSTILE, size: 0.16, position: HOSTILE, color: HOSTILE };
    const runs = [
      syntheticRun({ model: HOSTILE, dataset: HOSTILE, attack, poisonRate: 0.02 }, { runId: HOSTILE }),
      syntheticRun({ model: 'b', dataset: HOSTILE, attack: { ...attack, position: 'middle' }, poisonRate: 0.02 }),
      syntheticFailure(HOSTILE),
    ];
    const { document, text, files } = await report(runs, HOSTILE, HOSTILE);
    expect(document.querySelectorAll('script')).toHaveLength(1);
    expect(document.querySelectorAll('img')).toHaveLength(0);
    expect(document.querySelectorAll('[onerror]')).toHaveLength(0);
    expect(text).not.toContain('\u0000');
    expect(document.querySelector('h1')?.textContent).toBe(HOSTILE.replace('\u0000', ''));
    expect(text).toContain('could not be drawn');
    for (const path of files.filter((file) => file.endsWith('.svg'))) {
      expect(await readFile(path, 'utf8')).not.toMatch(/<script|<img|="[^"]*</);
    }
  });

  it('makes a page of nothing, too', async () => {
    expect((await report([])).text).toContain('No run has finished');
    expect((await report([syntheticFailure('out of memory')])).text).toContain('nothing to conclude yet');
  });

  it('names the directory that it cannot write to', async () => {
    const file = join(directory, 'a-file');
    await writeFile(file, '');
    const experiment = { name: 'x', specText: '', resolved: null };
    await expect(writeReport({ experiment, runs: [], directory: join(file, 'below') })).rejects.toMatchObject({
      kind: 'input',
      message: expect.stringContaining('a-file'),
    });
  });
});
