// An embedded store whose disk is full or may not be written: a clear answer, and everything that was recorded is there again afterwards.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { openStore } from '../src/store/open.ts';
import type { Store } from '../src/store/store.ts';
import { cleanRun, ENVIRONMENT, filesBelow, METRICS, workerOf } from './store-suite.ts';
import { cli } from './support/cli.ts';
import { type SmallDisk, smallDisk } from './support/small-disk.ts';

const probe = smallDisk(4096);
probe?.remove();

const FULL = {
  kind: 'failed',
  message: expect.stringContaining('the disk is full'),
  hint: expect.stringContaining('Make room'),
};
/** Its features are computed once and kept, where they can be. */
const FROZEN = `
name: frozen
dataset: shapes?train=100&test=40
model: alexnet-mini
freeze: head
training: {learningRate: 0.001, epochs: 2, batchSize: 20}
attack: {type: badnets, size: 0.16, color: white, target: 3, poisonRate: 0.1}
`;
/** Only the database's log grows by this, so that in the end it is the log that finds no room. */
const LOG_A_LOT = "SELECT pg_logical_emit_message(true, 'x', repeat('a', 1000000))::text";

describe.skipIf(!probe)('a store on a small disk (as root)', () => {
  let disk: SmallDisk;
  let store: Store | undefined;
  afterEach(async () => {
    await store?.close();
    store = undefined;
    disk?.remove();
  });
  const begin = async (bytes: number) => {
    const made = smallDisk(bytes);
    if (!made) throw new Error('no disk');
    disk = made;
    store = await openStore(join(disk.path, 'store'), { mode: 'own' });
    await store.recordExperiment('before', '', {}, [cleanRun('done'), cleanRun('next', 2)]);
    await store.recordDone('done', METRICS, ENVIRONMENT);
    return store;
  };
  const again = async () => {
    disk.makeRoom();
    store = await openStore(join(disk.path, 'store'), { mode: 'own' });
    expect(await store.getRun('done')).toMatchObject({ status: 'done', metrics: METRICS });
    await store.recordExperiment('after', '', {}, [cleanRun('later', 3)]);
    expect((await workerOf(store).claim('after'))?.runId).toBe('later');
  };

  test('rows and files that find no room are refused; with room again the same store goes on', async () => {
    const open = await begin(160e6);
    disk.fill();
    const many = Array.from({ length: 3000 }, (_, seed) => cleanRun(`many-${seed}`, seed));
    await expect(open.recordExperiment('many', '', {}, many)).rejects.toMatchObject(FULL);
    await expect(open.listRuns()).rejects.toMatchObject(FULL);
    await expect(open.putArtifact('done', 'trained', new Uint8Array(100_000))).rejects.toMatchObject(FULL);
    disk.makeRoom();
    expect((await open.listRuns()).map(({ runId }) => runId)).toEqual(['done', 'next']);
    await open.recordExperiment('many', '', {}, many);
    expect(await open.listRuns()).toHaveLength(3002);
    await open.close();
    await again();
  });

  test('whoever finds the disk full says so and lets go at once; the next start has all of it', async () => {
    const open = await begin(160e6);
    const reader = await openStore(join(disk.path, 'store'), { mode: 'use' });
    disk.fill();
    await expect(open.database.query(LOG_A_LOT)).rejects.toMatchObject(FULL);
    await expect(open.database.transaction((tx) => tx.query(LOG_A_LOT))).rejects.toMatchObject(FULL);
    await expect(reader.database.query(LOG_A_LOT)).rejects.toMatchObject({ kind: 'failed' });
    await reader.close();
    await open.close();
    store = undefined;
    for (const mode of ['own', 'use'] as const) {
      await expect(openStore(join(disk.path, 'store'), { mode })).rejects.toMatchObject(FULL);
    }
    await again();
  });

  test('a log that grows until the disk is nearly full is stopped before it finds no room', async () => {
    const open = await begin(160e6);
    disk.fill(45e6);
    const fillLog = async () => {
      for (let i = 0; i < 100; i++) await open.database.query(LOG_A_LOT);
    };
    await expect(fillLog()).rejects.toMatchObject(FULL);
    await open.close();
    await again();
  });

  test('a new store on a full disk is refused and leaves nothing half made', async () => {
    await (await begin(160e6)).close();
    disk.fill(64 * 1024);
    await expect(openStore(join(disk.path, 'other'), { mode: 'own' })).rejects.toMatchObject(FULL);
    expect(filesBelow(join(disk.path, 'other'))).toEqual([]);
    disk.makeRoom();
    store = await openStore(join(disk.path, 'other'), { mode: 'own' });
    expect(await store.listExperiments()).toEqual([]);
  });

  test('a cache on a disk that may not be written is done without', async () => {
    const made = smallDisk(20e6);
    if (!made) throw new Error('no disk');
    disk = made;
    writeFileSync(join(disk.path, 'frozen.yaml'), FROZEN);
    disk.readOnly(true);
    const folder = mkdtempSync(join(tmpdir(), 'beside-'));
    const cache = process.env.TRIGGERLAB_CACHE;
    process.env.TRIGGERLAB_CACHE = join(disk.path, 'cache');
    try {
      const { code, stdout } = await cli(folder, 'run', join(disk.path, 'frozen.yaml'), '--workers', '1', '--json');
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ done: 2, failed: 0, left: 0 });
    } finally {
      process.env.TRIGGERLAB_CACHE = cache;
      rmSync(folder, { recursive: true });
    }
  });

  test('a store on a disk that may not be written names the way out and stays as it is', async () => {
    await (await begin(160e6)).close();
    disk.readOnly(true);
    for (const mode of ['own', 'use'] as const) {
      await expect(openStore(join(disk.path, 'store'), { mode })).rejects.toMatchObject({
        kind: 'input',
        message: expect.stringContaining('cannot be written to (EROFS)'),
        hint: expect.stringContaining('copy it to a directory of yours'),
      });
    }
    disk.readOnly(false);
    await again();
  });
});
