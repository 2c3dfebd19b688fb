// What archives must do between any two stores: on PGlite always, to and from PostgreSQL when a server is named.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sha256Hex } from '../src/core/hash.ts';
import { exportStore } from '../src/store/archive/export-store.ts';
import { importArchive as importRead } from '../src/store/archive/import-archive.ts';
import { readArchive } from '../src/store/archive/read-archive.ts';
import { exportShards } from '../src/store/archive/shards.ts';
import type { Store } from '../src/store/store.ts';
import { attackedRun, cleanRun, ENVIRONMENT, failNext, METRICS, type StoreUnderTest } from './store-suite.ts';
import { tarOf } from './support/tar-file.ts';

const importArchive = async (store: Store, path: string) => importRead(store, await readArchive(path));

type Open = () => Promise<StoreUnderTest>;

export function archiveSuite(name: string, openFrom: Open, openTo: Open): void {
  describe(`archives: ${name}`, () => {
    let from: StoreUnderTest;
    let to: StoreUnderTest;
    const directory = mkdtempSync(join(tmpdir(), 'archive-test-'));
    const file = (name: string) => join(directory, name);
    const bytes = Uint8Array.from({ length: 5000 }, (_, i) => (i * 31) % 251);
    beforeAll(async () => {
      from = await openFrom();
      to = await openTo();
      const attacked = attackedRun('b-attacked', 'a-clean');
      const defended = {
        runId: 'c-defended',
        spec: { ...attacked.spec, defense: { type: 'd' } },
        baseId: 'b-attacked',
      };
      const { store } = from;
      await store.recordExperiment('lab', 'name: lab\n', { name: 'lab' }, [
        cleanRun('a-clean'),
        attacked,
        defended,
        cleanRun('d-fails', 2),
        cleanRun('e-open', 3),
      ]);
      await store.putArtifact('a-clean', 'trained', bytes);
      await store.recordDone('a-clean', METRICS, ENVIRONMENT, 'somebody');
      await store.recordDone('b-attacked', { ...METRICS, cad: 0.25 }, ENVIRONMENT);
      const cost = { seconds: 1 / 3, forwardPasses: 7, backwardPasses: 0 };
      const found = { metrics: { share: 0.1 + 0.2, verdict: 'x' }, details: { curve: [1, 2.5] }, cost };
      await store.recordDone('c-defended', METRICS, ENVIRONMENT, null, found);
      expect(await failNext(store, 'lab', 'it broke')).toBe('d-fails');
      await store.putArtifact('d-fails', 'checkpoint', bytes.subarray(1));
    });
    afterAll(async () => {
      await from?.close();
      await to?.close();
      rmSync(directory, { recursive: true });
    });

    test('everything arrives as it was, to the last bit, and arrives once', async () => {
      expect(await exportStore(from.store, file('all.tar'))).toMatchObject({
        experiments: 1,
        runs: 5,
        done: 3,
        artifacts: 2,
        missing: 0,
      });
      expect(await importArchive(to.store, file('all.tar'))).toEqual({
        experiments: 1,
        added: 5,
        results: 3,
        same: 0,
        differing: [],
        artifacts: 2,
      });
      await exportStore(to.store, file('again.tar'));
      expect(readFileSync(file('again.tar')).equals(readFileSync(file('all.tar')))).toBe(true);
      const there = await from.store.listRuns({ experiment: 'lab' });
      const here = await to.store.listRuns({ experiment: 'lab' });
      expect(here).toStrictEqual(there);
      expect(Object.is(here[0].metrics?.cad, -0)).toBe(true);
      expect(await to.store.getDefense('c-defended')).toEqual(await from.store.getDefense('c-defended'));
      expect(await to.store.getArtifact('a-clean', 'trained')).toEqual(bytes);
      expect(await to.store.getExperiment('lab')).toEqual(await from.store.getExperiment('lab'));
      expect(await importArchive(to.store, file('all.tar'))).toEqual({
        experiments: 0,
        added: 0,
        results: 0,
        same: 3,
        differing: [],
        artifacts: 0,
      });
      expect(await to.store.listRuns()).toStrictEqual(here);
    });

    test('files that are missing or damaged are left out, told, and taken from another archive', async () => {
      const sha256 = sha256Hex(bytes);
      const path = join(from.artifacts, sha256.slice(0, 2), sha256.slice(2));
      writeFileSync(path, bytes.subarray(2));
      expect(await exportStore(from.store, file('less.tar'))).toMatchObject({ artifacts: 1, missing: 1 });
      writeFileSync(path, bytes);
      await to.store.removeRuns(['a-clean']);
      expect(await importArchive(to.store, file('less.tar'))).toMatchObject({ results: 1, same: 2, artifacts: 0 });
      expect(await to.store.getArtifact('a-clean', 'trained')).toBeUndefined();
      expect(await importArchive(to.store, file('all.tar'))).toMatchObject({ results: 0, same: 3, artifacts: 1 });
      expect(await to.store.getArtifact('a-clean', 'trained')).toEqual(bytes);
    });

    test('a result that differs is told and not taken; one of a pending run is', async () => {
      await to.store.removeRuns(['b-attacked', 'a-clean']);
      await to.store.recordDone('a-clean', { ...METRICS, asr: 0.5, seconds: 1 }, ENVIRONMENT);
      const { results, same, differing } = await importArchive(to.store, file('all.tar'));
      expect({ results, same, differing }).toEqual({
        results: 1,
        same: 1,
        differing: [{ runId: 'a-clean', fields: ['asr'] }],
      });
      expect((await to.store.getRun('a-clean')).metrics?.asr).toBe(0.5);
      expect((await to.store.getRun('b-attacked')).metrics?.cad).toBe(0.25);
    });

    test('shards deal pending runs out with what they need, and come back as results', async () => {
      const { store } = from;
      const attacked = (i: number) => attackedRun(`s-${i}`, i < 4 ? 's-twin' : 's-done', 0.01 + i / 100);
      await store.recordExperiment('shards', '', {}, [
        cleanRun('s-twin', 7),
        cleanRun('s-done', 8),
        ...[1, 2, 3, 4, 5, 6].map(attacked),
      ]);
      await store.putArtifact('s-done', 'trained', bytes);
      await store.recordDone('s-done', METRICS, ENVIRONMENT);
      const shards = await exportShards(store, 'shards', [file('1.tar'), file('2.tar')]);
      expect(shards.map(({ pending, done }) => [pending, done])).toEqual([
        [3, 1],
        [4, 0],
      ]);
      for (const path of [file('1.tar'), file('2.tar')]) {
        const node = await openTo();
        await importArchive(node.store, path);
        const planned = await node.store.listRuns({ experiment: 'shards' });
        expect(planned).toHaveLength((await node.store.listRuns()).length);
        for (const run of await node.store.listRuns())
          if (run.status === 'pending') await node.store.recordDone(run.runId, METRICS, ENVIRONMENT);
        await exportStore(node.store, path);
        await node.close();
      }
      expect(await importArchive(store, file('1.tar'))).toMatchObject({ added: 0, results: 3, same: 1, differing: [] });
      expect(await importArchive(store, file('2.tar'))).toMatchObject({ added: 0, results: 4, same: 0, differing: [] });
      expect((await store.listRuns({ experiment: 'shards' })).every(({ status }) => status === 'done')).toBe(true);
      await expect(exportShards(store, 'shards', [file('3.tar')])).rejects.toMatchObject({ kind: 'input' });
    });

    test('what is damaged or hostile is refused and changes nothing', async () => {
      const before = await to.store.listRuns();
      const whole = readFileSync(file('all.tar'));
      const changed = (find: string, put: string) => {
        if (find.length !== put.length) throw new Error('the tar header tells the length');
        return Buffer.from(whole.toString('latin1').replace(find, put), 'latin1');
      };
      const cases: [Buffer, RegExp][] = [
        [whole.subarray(0, 2000), /archive|cut short/],
        [Buffer.from('not an archive at all'), /archive/],
        [changed('"version":1', '"version":9'), /format version 9; this program knows up to 1/],
        [changed('"poisonRate":0.005', '"poisonRate":"005"'), /runs-000000\.ndjson:2: spec\.poisonRate/],
        [changed('"testImages":2000', '"testImages":2.50'), /whole numbers/],
        [changed('"needs":"a-clean"', '"needs":"a-cleam"'), /needs a-cleam, which is not there/],
        [changed('"dataset":"mnist10k"', '"dataset":"\\u0000kk"'), /characters that no text has/],
        [changed('"inputSize":32', '"__proto__":{}'), /runs-000000\.ndjson:1 has a member "__proto__"/],
        [await tarOf({ '../../evil': '' }), /points outside/],
        [await tarOf({ 'store.sh': '' }), /no archive of a store: it begins with "store.sh"/],
        [changed('"kind":"trained"', '"kind":"../../x"'), /artifacts\.0\.kind/],
        [
          (() => {
            const copy = Buffer.from(whole);
            copy[whole.indexOf(Buffer.from(bytes)) + 9] ^= 1;
            return copy;
          })(),
          /another content than its name says/,
        ],
      ];
      for (const [content, message] of cases) {
        writeFileSync(file('bad.tar'), content);
        await expect(importArchive(to.store, file('bad.tar'))).rejects.toMatchObject({
          kind: 'input',
          message: expect.stringMatching(message),
        });
      }
      expect(await to.store.listRuns()).toStrictEqual(before);
    });
  });
}
