// What every store must do, whatever database is below it: run on PGlite always, on PostgreSQL when a server is named.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RunQueue } from '../src/queue/run-queue.ts';
import type { PlannedRun, RunSpec } from '../src/spec/run-spec.ts';
import type { RunEnvironment, RunMetrics } from '../src/store/records.ts';
import type { Store } from '../src/store/store.ts';
import { matches, parseConditions } from '../src/store/where.ts';

export interface StoreUnderTest {
  readonly store: Store;
  readonly artifacts: string;
  /** Filled by the store's warnings. */
  readonly warnings: string[];
  close(): Promise<void>;
}

const CLEAN: RunSpec = {
  dataset: 'mnist10k',
  model: 'resnet-mini',
  init: 'pretrained',
  freeze: 'paper',
  inputSize: 32,
  attack: { type: 'none' },
  poisonRate: 0,
  targetClass: 0,
  training: { optimizer: 'adam', learningRate: 0.01, momentum: 0, weightDecay: 0, epochs: 5, batchSize: 64 },
  seed: 1,
};

export function cleanRun(runId: string, seed = 1): PlannedRun {
  return { runId, spec: { ...CLEAN, seed } };
}

export function attackedRun(runId: string, twinId: string, poisonRate = 0.005): PlannedRun {
  const attack = { type: 'badnets', size: 0.08, position: 'bottom-right', color: [255, 255, 255] };
  return { runId, twinId, spec: { ...CLEAN, attack, poisonRate, targetClass: 3 } };
}

export const METRICS: RunMetrics = {
  cleanAccuracy: 0.1 + 0.2,
  asr: 1 / 3,
  asrInclusive: Number.MIN_VALUE,
  falseTriggerRate: null,
  cleanBaselineAccuracy: 1 - Number.EPSILON / 2,
  cad: -0,
  naturalAsr: null,
  effectivePixels: 6.02214076e23,
  stealthImages: 100,
  stealthLinf: 255,
  stealthL2: 2 / 3,
  stealthPsnr: null,
  stealthSsim: 1 - Number.EPSILON,
  stealthPerceptual: 1e-300,
  testImages: 2000,
  attackedImages: 1800,
  epochs: 5,
  epochLosses: [2.2501, Number.NaN, Number.POSITIVE_INFINITY, -0, 5e-324],
  seconds: 12.345678901234567,
  imagesPerSecond: 4321.000000000001,
};

export const ENVIRONMENT: RunEnvironment = {
  triggerlab: '0.1.0',
  onnxruntime: '1.30.0',
  node: '20.19.0',
  threads: 2,
  cpu: 'A "quoted" ζ CPU',
};

/** A worker of a store, with leases that do not run out during a test. */
export function workerOf(store: Store, worker = 'one', settings = {}): RunQueue {
  return new RunQueue(store.database, { worker, host: 'here', pid: 1, slots: 1, threads: 1 }, settings);
}

/** Claims the next run of an experiment and lets it fail. */
export async function failNext(store: Store, experiment: string, error: string): Promise<string> {
  const queue = workerOf(store);
  const run = await queue.claim(experiment);
  if (!run) throw new Error('nothing to claim');
  await queue.fail(run.runId, error, false);
  return run.runId;
}

export function storeSuite(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`store on ${name}`, () => {
    let under: StoreUnderTest;
    let store: Store;
    beforeAll(async () => {
      under = await open();
      store = under.store;
    });
    afterAll(() => under?.close());

    const ids = (runs: { runId: string }[]) => runs.map((run) => run.runId);

    test('gives metrics back to the last bit, and environment and spec as they were', async () => {
      const run = attackedRun('exact-1', 'exact-0');
      await store.recordExperiment('exact', 'name: exact\n', { name: 'exact' }, [run]);
      await store.recordDone('exact-1', METRICS, ENVIRONMENT);
      const record = await store.getRun('exact-1');
      expect(record.metrics).toStrictEqual(METRICS);
      expect(Object.is(record.metrics?.cad, -0)).toBe(true);
      expect(record.environment).toStrictEqual(ENVIRONMENT);
      expect(record.spec).toStrictEqual(run.spec);
      expect(JSON.stringify(record.spec)).toBe(JSON.stringify(run.spec));
      expect(record).toMatchObject({ status: 'done', twinId: 'exact-0', experiments: ['exact'], error: null });
      expect(Date.parse(record.finishedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(record.startedAt ?? ''));
      expect(Math.abs(Date.now() - Date.parse(record.startedAt ?? ''))).toBeLessThan(60_000);
    });

    test('keeps the first result of a run and lets nothing overwrite it', async () => {
      await store.recordExperiment('once', '', {}, [cleanRun('once-1')]);
      await store.recordDone('once-1', METRICS, ENVIRONMENT);
      await store.recordDone('once-1', { ...METRICS, cleanAccuracy: 0.5 }, ENVIRONMENT);
      expect(await workerOf(store).claim('once')).toBeUndefined();
      await workerOf(store).fail('once-1', 'too late', false);
      expect(await store.getRun('once-1')).toMatchObject({ status: 'done', error: null, metrics: METRICS });
    });

    test('recording for a run that is not there fails and says so', async () => {
      await expect(store.recordDone('nowhere', METRICS, ENVIRONMENT)).rejects.toMatchObject({ kind: 'failed' });
    });

    test('planning again replaces the list of runs and loses no result', async () => {
      await store.recordExperiment('again', 'v1', { v: 1 }, [cleanRun('again-1'), cleanRun('again-2', 2)]);
      await store.recordDone('again-1', METRICS, ENVIRONMENT);
      await store.recordExperiment('again', 'v2', { v: 2 }, [cleanRun('again-3', 3), cleanRun('again-1')]);
      await store.recordExperiment('again', 'v2', { v: 2 }, [cleanRun('again-3', 3), cleanRun('again-1')]);
      expect(await store.getExperiment('again')).toEqual({ name: 'again', specText: 'v2', resolved: { v: 2 } });
      expect(ids(await store.listRuns({ experiment: 'again' }))).toEqual(['again-3', 'again-1']);
      expect(await store.getRun('again-1')).toMatchObject({ status: 'done', metrics: METRICS });
      expect((await store.getRun('again-2')).experiments).toEqual([]);
    });

    test('a run of two experiments is done once and belongs to both', async () => {
      await store.recordExperiment('shared-a', '', {}, [cleanRun('shared-1')]);
      await store.recordDone('shared-1', METRICS, ENVIRONMENT);
      await store.recordExperiment('shared-b', '', {}, [cleanRun('shared-1'), cleanRun('shared-2', 2)]);
      expect((await workerOf(store).claim('shared-b'))?.runId).toBe('shared-2');
      expect((await store.getRun('shared-1')).experiments).toEqual(['shared-a', 'shared-b']);
      const everything = ids(await store.listRuns());
      expect(everything.filter((id) => id === 'shared-1')).toHaveLength(1);
    });

    test('finds runs by unique prefix, and lists the candidates otherwise', async () => {
      await store.recordExperiment('find', '', {}, [
        cleanRun('find-12', 1),
        cleanRun('find-123', 2),
        cleanRun('find_9', 3),
      ]);
      expect((await store.getRun('find-123')).runId).toBe('find-123');
      expect((await store.getRun('find-12')).runId).toBe('find-12');
      expect((await store.getRun('find_')).runId).toBe('find_9');
      await expect(store.getRun('find-1')).rejects.toMatchObject({
        kind: 'input',
        hint: expect.stringContaining('find-12, find-123'),
      });
      for (const absent of ['', '%', 'find%', "'; DROP TABLE runs; --"]) {
        await expect(store.getRun(absent)).rejects.toMatchObject({ kind: 'input' });
      }
    });

    test('unknown experiments are named with the nearest known one', async () => {
      await store.recordExperiment('quickly', '', {}, []);
      await expect(store.listRuns({ experiment: 'quickyl' })).rejects.toMatchObject({
        kind: 'input',
        hint: 'Did you mean "quickly"?',
      });
    });

    test('counts runs by status', async () => {
      const runs = [1, 2, 3, 4].map((seed) => cleanRun(`count-${seed}`, seed));
      await store.recordExperiment('count', '', {}, runs);
      await store.recordDone('count-1', METRICS, ENVIRONMENT);
      expect(await failNext(store, 'count', 'with a NUL \0 inside')).toBe('count-2');
      const queue = workerOf(store);
      await queue.skip((await queue.claim('count'))?.runId ?? '', 'reason');
      const summary = (await store.listExperiments()).find((experiment) => experiment.name === 'count');
      expect(summary).toMatchObject({
        total: 4,
        counts: { pending: 1, running: 0, done: 1, failed: 1, skipped: 1 },
      });
      expect((await store.getRun('count-2')).error).toBe('with a NUL  inside');
    });

    test('lists by conditions on fields', async () => {
      await store.recordExperiment('where', '', {}, [
        cleanRun('where-0'),
        attackedRun('where-1', 'where-0', 0.005),
        attackedRun('where-2', 'where-0', 0.02),
      ]);
      const list = async (text: string) =>
        ids(await store.listRuns({ experiment: 'where', where: parseConditions(text) }));
      expect(await list('poisonRate=0.5%')).toEqual(['where-1']);
      expect(await list('attack=badnets,size=0.08')).toEqual(['where-1', 'where-2']);
      expect(await list('poisonRate=0.02,0,color=[255,255,255]')).toEqual(['where-2']);
      expect(await list('attack.type=none')).toEqual(['where-0']);
    });

    test('conditions on results mean in SQL what they mean in memory', async () => {
      const attacked = attackedRun('cond-1', 'cond-0', 0.005);
      const defended = { ...attacked, runId: 'cond-3', spec: { ...attacked.spec, defense: { type: 'd', rate: 0.1 } } };
      const { twinId: _, ...rest } = defended;
      const runs = [cleanRun('cond-0'), attacked, cleanRun('cond-2', 2), { ...rest, baseId: 'cond-1' }];
      await store.recordExperiment('cond', '', {}, runs);
      const found = { metrics: { pruned: 3, verdict: 'clean', none: null }, details: {} };
      const cost = { seconds: 1.5, forwardPasses: 7, backwardPasses: 0 };
      await store.recordDone('cond-3', METRICS, ENVIRONMENT, null, { ...found, cost });
      await store.recordDone('cond-0', { ...METRICS, asr: null }, ENVIRONMENT);
      await store.recordDone('cond-1', METRICS, ENVIRONMENT);
      const all = await store.listRuns({ experiment: 'cond' });
      const times = all.map(({ finishedAt }) => finishedAt);
      for (const text of [
        ...['asr=', `asr=${METRICS.asr}`, 'asr=33.333333333333336%', 'asr=0.3', 'asr=x', 'asr= ', 'stealthPsnr='],
        ...['cleanAccuracy=0.3,', 'cleanAccuracy=0.30000000000000004', 'effectivePixels=6.02214076e23', 'cad=0'],
        ...['status=done', 'status=done,pending,seed=1', 'seed=2', 'seed=1,asr=,poisonRate=0', 'epochs=5', 'error='],
        ...['experiment=cond', 'experiment=nothing,cond', 'experiment=', 'experiments=["cond"]', 'runId=cond-1'],
        ...['defenseMetrics.pruned=3', 'defenseMetrics.pruned=4', 'defenseMetrics.verdict=clean', 'baseId=cond-1'],
        ...['defenseCost.seconds=1.5,seed=1', 'defenseMetrics.verdict=', 'defenseMetrics.none=', 'defense.rate=10%'],
        ...['twinId=cond-0', 'twinId=', `finishedAt=${times[0]}`, 'finishedAt=', 'color=[255,255,255],seed=1', 'seed='],
      ]) {
        const conditions = parseConditions(text);
        const wanted = ids(all.filter((run) => matches(run, conditions)));
        expect([text, ids(await store.listRuns({ experiment: 'cond', where: conditions }))]).toEqual([text, wanted]);
      }
    });

    test('means by groups of settings are those of the runs; pages and batches hold all runs once, in order', async () => {
      const twin = [cleanRun('group-a', 1), cleanRun('group-b', 2), cleanRun('group-c', 3)];
      const attacked = [attackedRun('group-d', 'group-a', 0.005), attackedRun('group-e', 'group-a', 0.02)];
      await store.recordExperiment('group', '', {}, [...attacked, ...twin]);
      for (const [i, { runId }] of twin.entries())
        await store.recordDone(runId, { ...METRICS, cleanAccuracy: 0.1 * i, testImages: 7 }, ENVIRONMENT);
      await store.recordDone('group-d', { ...METRICS, cleanAccuracy: Number.NaN }, ENVIRONMENT);
      const selection = await store.select('group');
      const settings = await selection.settings();
      expect(settings.map(({ spec }) => spec.poisonRate)).toEqual([0.005, 0.02, 0]);
      const groups = new Map(settings.map(({ id }, at) => [id, at]));
      expect(await selection.summaries(groups, ['cleanAccuracy', 'testImages', 'asr'])).toEqual([
        {
          ...{ group: 0, seed: null, n: 1 },
          metrics: { testImages: { mean: 2000, sd: null, n: 1 }, asr: { mean: METRICS.asr, sd: null, n: 1 } },
        },
        {
          ...{ group: 2, seed: null, n: 3 },
          metrics: {
            cleanAccuracy: { mean: expect.closeTo(0.1, 12), sd: expect.closeTo(0.1, 12), n: 3 },
            testImages: { mean: 7, sd: 0, n: 3 },
            asr: { mean: METRICS.asr, sd: 0, n: 3 },
          },
        },
      ]);
      expect(await selection.summaries(groups, [], true)).toHaveLength(4);
      expect(await selection.counts()).toMatchObject({ pending: 1, done: 4, failed: 0 });
      const order = ['group-d', 'group-e', 'group-a', 'group-b', 'group-c'];
      expect(ids(await selection.runs())).toEqual(order);
      expect(ids(await selection.runs({ limit: 2, offset: 1 }))).toEqual(order.slice(1, 3));
      expect(ids(await selection.runs({ limit: 2, offset: 9 }))).toEqual([]);
      const whole = ids(await (await store.select()).runs());
      expect(new Set(whole).size).toBe(whole.length);
      expect(whole.filter((id) => id.startsWith('group-'))).toEqual(order);
      const batched: string[] = [];
      for await (const batch of (await store.select()).batches({ offset: 1 })) batched.push(...ids(batch));
      expect(batched).toEqual(whole.slice(1));
    });

    test('removing results resets planned runs, drops others, and deletes files nobody else uses', async () => {
      await store.recordExperiment('rm', '', {}, [cleanRun('rm-1'), cleanRun('rm-2', 2), cleanRun('rm-3', 3)]);
      for (const id of ['rm-1', 'rm-2', 'rm-3']) await store.recordDone(id, METRICS, ENVIRONMENT);
      const shared = new TextEncoder().encode('shared content');
      await store.putArtifact('rm-1', 'weights', shared);
      await store.putArtifact('rm-2', 'weights', shared);
      await store.putArtifact('rm-1', 'log', new TextEncoder().encode('only of rm-1'));
      const before = filesBelow(under.artifacts).length;
      await store.recordExperiment('rm', '', {}, [cleanRun('rm-1'), cleanRun('rm-2', 2)]);

      expect(await store.removeRuns(['rm-1', 'rm-3', 'rm-unknown'])).toBe(2);
      expect(await store.getRun('rm-1')).toMatchObject({ status: 'pending', metrics: null, environment: null });
      await expect(store.getRun('rm-3')).rejects.toMatchObject({ kind: 'input' });
      expect(await store.getArtifact('rm-1', 'weights')).toBeUndefined();
      expect(await store.getArtifact('rm-2', 'weights')).toEqual(shared);
      expect(filesBelow(under.artifacts)).toHaveLength(before - 1);
      expect((await workerOf(store).claim('rm'))?.runId).toBe('rm-1');

      await store.removeRuns(['rm-2']);
      expect(filesBelow(under.artifacts)).toHaveLength(before - 2);
    });

    test('artifacts come back whole or not at all', async () => {
      await store.recordExperiment('files', '', {}, [cleanRun('files-1')]);
      const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 7919) % 251);
      await store.putArtifact('files-1', 'weights', bytes);
      expect(await store.getArtifact('files-1', 'weights')).toEqual(bytes);
      expect(await store.getArtifact('files-1', 'other')).toBeUndefined();
      await expect(store.putArtifact('files-none', 'weights', bytes)).rejects.toMatchObject({ kind: 'failed' });

      const path = filesBelow(under.artifacts).find((file) => readFileSync(file).length === bytes.length) ?? '';
      const damaged = readFileSync(path);
      damaged[500] ^= 1;
      writeFileSync(path, damaged);
      expect(await store.getArtifact('files-1', 'weights')).toBeUndefined();
      expect(under.warnings.at(-1)).toMatch(/weights of run files-1 is corrupt/);
      await store.putArtifact('files-1', 'weights', bytes);
      expect(await store.getArtifact('files-1', 'weights')).toEqual(bytes);

      await store.putArtifact('files-1', 'weights', bytes.subarray(1));
      expect(await store.getArtifact('files-1', 'weights')).toEqual(bytes.subarray(1));
      expect(filesBelow(under.artifacts)).not.toContain(path);
    });

    test('many statements and transactions at once do not mix', async () => {
      const names = Array.from({ length: 12 }, (_, i) => `parallel-${i}`);
      await Promise.all(
        names.map(async (name, i) => {
          await store.recordExperiment(name, name, { i }, [cleanRun(`${name}-run`, i)]);
          await store.recordDone(`${name}-run`, { ...METRICS, cleanAccuracy: i / 7 }, ENVIRONMENT);
        }),
      );
      const found = await Promise.all(names.map((name) => store.listRuns({ experiment: name })));
      expect(found.map(([run]) => run.metrics?.cleanAccuracy)).toEqual(names.map((_, i) => i / 7));
    });
  });
}

export function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
