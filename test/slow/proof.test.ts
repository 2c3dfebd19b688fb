// suites/proof.yaml on real digits: does the engine learn as well as it should? Takes about a quarter of an hour on two cores.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli } from '../support/cli.ts';

interface Flat {
  readonly model: string;
  readonly freeze: string;
  readonly status: string;
  readonly poisonRate: number;
  readonly cleanAccuracy: number;
  readonly asr: number | null;
  readonly naturalAsr: number | null;
}

let folder: string;
let runs: Flat[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'triggerlab-proof-'));
  const { code, stdout, stderr } = await cli(folder, 'run', resolve('suites/proof.yaml'), '--json');
  expect(code, stderr).toBe(0);
  runs = (JSON.parse(stdout) as { runs: Flat[] }).runs;
  process.stdout.write((await cli(folder, 'run', resolve('suites/proof.yaml'))).stdout);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Whether some run of these kinds reaches all three figures. */
function reached(model: string, freeze: string, want: { clean: number; asr: number; natural: number }): Flat[] {
  return runs.filter(
    (run) =>
      run.model === model &&
      run.freeze === freeze &&
      run.asr !== null &&
      run.naturalAsr !== null &&
      run.poisonRate <= 0.02 &&
      run.cleanAccuracy >= want.clean &&
      run.asr >= want.asr &&
      run.naturalAsr <= want.natural,
  );
}

describe('suites/proof.yaml', () => {
  it('finishes every run', () => {
    expect(runs.map(({ status }) => status)).toEqual(runs.map(() => 'done'));
  });

  it('backdoors resnet-mini with the frozen layers of the paper', () => {
    expect(reached('resnet-mini', 'paper', { clean: 0.94, asr: 0.85, natural: 0.03 })).not.toHaveLength(0);
  });

  it('backdoors resnet-mini when everything is trained', () => {
    expect(reached('resnet-mini', 'none', { clean: 0.97, asr: 0.95, natural: 0.03 })).not.toHaveLength(0);
  });

  it('trains alexnet-mini to a useful accuracy under the same policy', () => {
    expect(reached('alexnet-mini', 'paper', { clean: 0.9, asr: 0, natural: 1 })).not.toHaveLength(0);
  });
});
