// `triggerlab lint`, and lint inside `run`, through the real command line.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { cli } from './support/cli.ts';
import { freshCache } from './support/fresh-cache.ts';

const SPEC = `
name: squares
dataset: mnist10k
model: resnet-mini
attack: {type: badnets, size: [0.04, 0.06], position: top-left, color: [white, black], rounding: floor, poisonRate: 0.02}
`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'triggerlab-lint-cli-'));
  vi.stubEnv('TRIGGERLAB_CACHE', freshCache(join(folder, 'cache')));
  writeFileSync(join(folder, 'squares.yaml'), SPEC);
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

it('errors lead to exit code 1; findings name place, runs and fix', async () => {
  const { code, stdout } = await cli(folder, 'lint', 'squares.yaml');
  expect(code).toBe(1);
  expect(stdout).toMatch(/^error same-trigger squares\.yaml:5:32$/m);
  expect(stdout).toContain('badnets of size 4 % and 6 % is the same trigger, 1 changed pixel');
  expect(stdout).toMatch(/^warning unchanged-images squares\.yaml:5:80$/m);
  expect(stdout).toMatch(/colour black: .*% of the test images are left as they are.*\[2 runs\]/);
  expect(stdout).toMatch(/squares: 1 error, 1 warning, no notes; 4 triggers checked\n$/);
});

it('--json has the findings and what was measured of every trigger', async () => {
  const { code, stdout } = await cli(folder, 'lint', 'squares.yaml', '--set', 'size=0.04', '--json');
  expect(code).toBe(0);
  const document = JSON.parse(stdout);
  expect(document).toMatchObject({ schemaVersion: 1, experiment: 'squares', errors: 0, warnings: 1, notes: 0 });
  expect(document.findings[0].triggers).toEqual(['t2']);
  expect(document.triggers).toHaveLength(2);
  expect(document.triggers[0]).toMatchObject({
    ...{ id: 't1', dataset: 'mnist10k', inputSize: 32, runs: 1, images: 'test', stampAt: 'native', inView: 1 },
    native: { images: 500, pixels: 1, unchanged: 0 },
  });
});

it('--out has a picture for each finding about triggers', async () => {
  const { stdout } = await cli(folder, 'lint', 'squares.yaml', '--set', 'color=white', '--out', 'pictures', '--json');
  const { findings } = JSON.parse(stdout) as { findings: { rule: string; pictures: string[] }[] };
  expect(findings.map(({ rule, pictures }) => [rule, ...pictures])).toEqual([
    ['same-trigger', join('pictures', '1-same-trigger-mnist10k.png')],
  ]);
  expect(
    readFileSync(join(folder, 'pictures', '1-same-trigger-mnist10k.png'))
      .subarray(1, 4)
      .toString(),
  ).toBe('PNG');
});

it('run stops on errors before anything is written, and goes on with --allow-lint', async () => {
  const args = [
    'run',
    'squares.yaml',
    '--set',
    'color=white',
    '--set',
    'training.epochs=1',
    '--set',
    'dataset=mnist10k?train=300&test=100',
    '--store',
    'store',
  ];
  const refused = await cli(folder, ...args);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain(
    'lint: mnist10k?test=100&train=300: badnets of size 4 % and 6 % is the same trigger',
  );
  expect(refused.stderr).toContain('--allow-lint');
  expect(existsSync(join(folder, 'store'))).toBe(false);
  const allowed = await cli(folder, ...args, '--allow-lint', '--limit', '1', '--report', 'report');
  expect(allowed.code).toBe(0);
  expect(allowed.stderr).toContain('error same-trigger');
  expect(readFileSync(join(folder, 'report', 'index.html'), 'utf8')).toMatch(
    /What lint found before it ran[\s\S]*same-trigger[\s\S]*size 4 % and 6 % is the same trigger/,
  );
}, 120_000);

it('needs no data and no weights', async () => {
  const changes = [
    ...['dataset=tiny-imagenet', 'position=top-left', 'color=white', 'exclude=[{attack.type: [wanet, ssba]}]'],
    ...['preset=paper-text', 'preprocessing.resize=256'],
  ];
  const args = ['lint', resolve('suites/sok.yaml'), ...changes.flatMap((change) => ['--set', change]), '--json'];
  const { code, stdout } = await cli(folder, ...args);
  expect(code).toBe(1);
  const { findings } = JSON.parse(stdout) as { findings: { rule: string; dataset?: string; message: string }[] };
  expect(findings.map(({ rule }) => rule)).toEqual([
    ...['not-seen', 'cut-off', 'dataset-missing'],
    ...['weights-missing', 'weights-missing', 'weights-missing', 'weights-missing'],
  ]);
  expect(findings[0].message).toContain('size 4 % and 6 %');
});
