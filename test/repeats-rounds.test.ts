// Adaptive repeats without workers of its own: each `run --workers 0` plans the round that the results so far ask for.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cli } from './support/cli.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'triggerlab-rounds-'));
  writeFileSync(
    join(folder, 'spec.yaml'),
    'name: rounds\ndataset: mnist10k?perClass=30\nmodel: alexnet-mini\ninit: pretrained\nrepeats: {min: 2, max: 4, until: "ci(cleanAccuracy) < 0.001"}\n' +
      'training: {epochs: 2, batchSize: 50}\nattack: {type: badnets, size: 0.1, color: white, poisonRate: 0.1}\n',
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));

async function run(...args: string[]): Promise<string[]> {
  const { stdout, stderr } = await cli(folder, 'run', 'spec.yaml', '--json', ...args);
  const { runs } = JSON.parse(stdout || '{"runs":[]}') as { runs: { seed: number; status: string }[] };
  expect(runs.length, stderr).toBeGreaterThan(0);
  return runs.map(({ seed, status }) => `${seed} ${status}`).sort();
}

it('plans the next seed once those before it are done', async () => {
  const planned = await run('--workers', '0');
  expect(planned).toEqual(['0 pending', '0 pending', '1 pending', '1 pending']);
  expect(await run('--workers', '0')).toEqual(planned);
  // As workers elsewhere would, in one round.
  await run('--workers', '1', '--set', 'repeats=2');
  const done = ['0 done', '0 done', '1 done', '1 done'];
  expect(await run('--workers', '0')).toEqual([...done, '2 pending', '2 pending']);
});
