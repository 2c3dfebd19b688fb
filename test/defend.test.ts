// Defences through the built command line: as factors of a spec, on a recorded run, interrupted and resumed.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli } from './support/cli.ts';

const SPEC = `
name: shields
dataset: mnist10k?train=1000&test=200
model: resnet-mini
training: {learningRate: 0.01, epochs: 2, batchSize: 64}
attack: {type: badnets, size: 0.2, color: white, poisonRate: 0.1}
defenses: [none, {type: fine-tuning, budget: [0.05, 0.2], epochs: 2}]
`;

interface Flat {
  readonly runId: string;
  readonly baseId?: string;
  readonly status: string;
  readonly cleanAccuracy: number;
  readonly asr: number | null;
  readonly naturalAsr: number | null;
  readonly cad: number | null;
  readonly cleanBaselineAccuracy: number | null;
  readonly defense?: { readonly type: string; readonly budget: number };
  readonly defenseMetrics?: Readonly<Record<string, unknown>>;
  readonly defenseCost?: { readonly seconds: number; readonly forwardPasses: number; readonly backwardPasses: number };
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'triggerlab-defend-'));
  writeFileSync(join(folder, 'shields.yaml'), SPEC);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const json = async (...args: string[]) => {
  const { code, stdout, stderr } = await cli(folder, ...args, '--json');
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as { runs: Flat[]; base: Flat; groups: { key: object; n: number }[] };
};

describe('defences', { timeout: 300_000 }, () => {
  let base: Flat;
  let defended: Flat[];

  it('are done after their bases, and tell what is left of the attack and what it cost', async () => {
    const { runs } = await json('run', 'shields.yaml');
    expect(runs.map(({ status }) => status)).toEqual(['done', 'done', 'done', 'done']);
    [, base, ...defended] = runs;
    expect(base).not.toHaveProperty('defense');
    for (const [i, run] of defended.entries()) {
      const images = [50, 200][i];
      expect(run).toMatchObject({
        ...{ baseId: base.runId, naturalAsr: base.naturalAsr, cleanBaselineAccuracy: base.cleanBaselineAccuracy },
        defense: { type: 'fine-tuning', budget: images / 1000 },
        defenseMetrics: {
          ...{ attackedCleanAccuracy: base.cleanAccuracy, attackedAsr: base.asr, defenderImages: images },
        },
        defenseCost: { forwardPasses: 2 * images, backwardPasses: 2 * images },
      });
      expect(run.cad).toBe(Number(run.cleanBaselineAccuracy) - run.cleanAccuracy);
      expect(run.asr).not.toBeNull();
    }
    expect(new Set([base, ...defended].map(({ cleanAccuracy, asr }) => `${cleanAccuracy} ${asr}`)).size).toBe(3);
  });

  it('stand apart in results', async () => {
    expect((await json('results', 'shields', '--where', 'defense=none')).runs).toHaveLength(2);
    expect((await json('results', 'shields', '--where', 'defense=fine-tuning,defense.budget=5%')).runs).toHaveLength(1);
    const { groups } = await json('results', 'shields', '--group-by', 'attack');
    expect(groups.map(({ n }) => n)).toEqual([1, 1]);
    const { stdout } = await cli(folder, 'results', 'shields');
    expect(stdout).toMatch(/defence: budget/);
  });

  it('can be tried on a recorded run, with the same result as in its experiment', async () => {
    const again = await json(
      'defend',
      base.runId.slice(0, 8),
      '--with',
      '{type: fine-tuning, budget: [0.2, 0.1], epochs: 2}',
    );
    expect(again.base.runId).toBe(base.runId);
    expect(again.runs.map(({ defense }) => defense?.budget)).toEqual([0.2, 0.1]);
    expect(again.runs[0]).toMatchObject({ runId: defended[1].runId, asr: defended[1].asr });
    expect((await json('results', `defend-${base.runId}`)).runs).toHaveLength(4);
  });

  it('refuses what cannot be defended, and defences that are none', async () => {
    const refused = async (...args: string[]) => {
      const { code, stderr } = await cli(folder, ...args);
      expect(code, stderr).toBe(2);
      return stderr;
    };
    expect(await refused('defend', base.runId)).toMatch(/with which defence.*\n.*fine-tuning/);
    expect(await refused('defend', base.runId, '--with', 'fine-tunning')).toMatch(/Did you mean "fine-tuning"/);
    expect(await refused('defend', base.runId, '--with', '{type: fine-tuning, budget: 20}')).toMatch(/20 % is 0.2/);
    expect(await refused('defend', base.runId, '--with', 'none')).toMatch(/names no defence/);
    expect(await refused('defend', defended[0].runId, '--with', 'fine-tuning')).toContain(base.runId);
    expect(await refused('explain', defended[0].runId)).toContain(base.runId);
    expect(await refused('defend', 'ffff', '--with', 'fine-tuning')).toMatch(/no run "ffff"/);
  });

  it('are listed with their parameters', async () => {
    const { stdout } = await cli(folder, 'defenses', 'ls');
    expect(stdout).toMatch(/fine-tuning/);
    expect((await cli(folder, 'defenses', 'show', 'fine-tuning')).stdout).toMatch(/budget +0\.05/);
    expect((await cli(folder, 'defenses', 'show', 'fine')).code).toBe(2);
  });
});
