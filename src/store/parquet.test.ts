import { parquetReadObjects } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { syntheticExperiment, syntheticFailure } from '../report/synthetic-runs.fixture.ts';
import { flattenRun } from './flatten.ts';
import { runsToParquet } from './parquet.ts';

describe('runsToParquet', () => {
  it('can be read back with the same values', async () => {
    const runs = [...syntheticExperiment({ seeds: [1] }), syntheticFailure('out of memory')];
    const flat = runs.map((run) => flattenRun(run, 'synthetic'));
    const bytes = runsToParquet(flat);
    const rows = await parquetReadObjects({ file: new Uint8Array(bytes).buffer });
    expect(rows).toHaveLength(runs.length);
    for (const [at, row] of rows.entries()) {
      expect([row.runId, row.model, row.status]).toEqual([flat[at].runId, flat[at].model, flat[at].status]);
      expect([row.asr, row.poisonRate, row.seed]).toEqual([flat[at].asr, flat[at].poisonRate, flat[at].seed]);
      expect(row.size ?? null).toBe('size' in flat[at].attack ? flat[at].attack.size : null);
    }
  });
});
