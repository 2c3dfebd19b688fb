// Several processes and one embedded store: who may have it, who may read meanwhile, and what survives a kill.
import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { readLock } from '../src/store/lock.ts';
import { openStore } from '../src/store/open.ts';
import { EmbeddedDatabase } from '../src/store/pglite.ts';
import { filesBelow } from './store-suite.ts';

const directories: string[] = [];
const children: Child[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) await child.kill();
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(realpathSync(tmpdir()), 'store-test-'));
  directories.push(directory);
  return directory;
}

class Child {
  readonly process: ChildProcess;
  readonly lines: string[] = [];
  readonly ended: Promise<void>;
  #waiting: (() => void)[] = [];

  constructor(script: string, args: string[], cache = process.env.TRIGGERLAB_CACHE) {
    children.push(this);
    this.process = spawn(process.execPath, [join(import.meta.dirname, 'fixtures', script), ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, TRIGGERLAB_CACHE: cache },
    });
    let rest = '';
    this.process.stdout?.on('data', (chunk: Buffer) => {
      const parts = (rest + chunk.toString()).split('\n');
      rest = parts.pop() ?? '';
      this.lines.push(...parts);
      for (const wake of this.#waiting.splice(0)) wake();
    });
    this.ended = new Promise((resolve) => this.process.on('close', () => resolve()));
    void this.ended.then(() => {
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }

  /** The first line that matches, once it is there. */
  async line(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = this.lines.find((line) => pattern.test(line));
      if (found !== undefined) return found;
      if (this.process.exitCode !== null || this.process.signalCode !== null) {
        throw new Error(`the child ended without ${pattern}; it said:\n${this.lines.join('\n')}`);
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.ended;
  }
}

const acknowledged = (child: Child) =>
  child.lines.filter((line) => line.startsWith('ack ')).map((line) => line.slice(4));

test('a run is read through its socket while it writes, keeps other runs out, and loses nothing when killed', async () => {
  const directory = temporaryDirectory();
  const writer = new Child('store-writer.mjs', [directory, '200', '10']);
  await writer.line(/^open$/);
  await writer.line(/^ack run-3$/);

  const reader = await openStore(directory, { mode: 'use' });
  const before = acknowledged(writer);
  const done = (await reader.listRuns({ experiment: 'writing' })).filter((run) => run.status === 'done');
  expect(done.map((run) => run.runId)).toEqual(expect.arrayContaining(before));
  expect((await reader.getRun('run-199')).status).toBe('running');
  // The reader's own writes, in transactions, amid those of the run.
  expect(await reader.removeRuns(['run-0', 'run-1'])).toBe(2);

  await expect(openStore(directory, { mode: 'own' })).rejects.toMatchObject({
    kind: 'input',
    message: expect.stringContaining(`process ${writer.process.pid}`),
  });

  // Reads at full speed while the run writes: neither sees the other's statements.
  const until = acknowledged(writer).length + 40;
  let reads = 0;
  while (acknowledged(writer).length < until) {
    const known = acknowledged(writer).slice(2);
    const [runs, experiments] = await Promise.all([
      reader.listRuns({ experiment: 'writing' }),
      reader.listExperiments(),
    ]);
    const found = new Map(runs.map((run) => [run.runId, run]));
    for (const id of known) expect(found.get(id)?.metrics?.cleanAccuracy).toBe(Number(id.slice(4)) / 7);
    expect(experiments[0].total).toBe(200);
    reads++;
  }
  expect(reads).toBeGreaterThan(3);

  await writer.kill();
  await expect(reader.listExperiments()).rejects.toMatchObject({ kind: 'failed' });
  await reader.close();

  const after = await openStore(directory, { mode: 'own' });
  const runs = new Map((await after.listRuns({ experiment: 'writing' })).map((run) => [run.runId, run]));
  for (const id of acknowledged(writer).slice(2)) {
    expect(runs.get(id)).toMatchObject({ status: 'done', metrics: { cleanAccuracy: Number(id.slice(4)) / 7 } });
  }
  expect(runs.get('run-0')?.status).toBe('pending');
  // The dead run's unfinished work is pending again.
  expect(runs.get('run-199')?.status).toBe('pending');
  await after.close();
  expect(readdirSync(directory).sort()).toEqual(['db']);
});

test('of two runs that start at once on a stale store one wins; a store opened for reading is waited for', async () => {
  const directory = temporaryDirectory();
  const dead = new Child('store-writer.mjs', [directory, '3', '0']);
  await dead.line(/^written$/);
  await dead.kill();
  expect(existsSync(join(directory, 'lock'))).toBe(true);

  const racers = [1, 2].map(() => new Child('store-writer.mjs', [directory, '3', '0']));
  const answers = await Promise.all(racers.map((racer) => racer.line(/^(open|error)/)));
  expect(answers.filter((answer) => answer === 'open')).toHaveLength(1);
  const winner = racers[answers.indexOf('open')];
  expect(answers.find((answer) => answer !== 'open')).toMatch(
    new RegExp(`^error input .*process ${winner.process.pid}`),
  );
  await winner.line(/^written$/);
  winner.process.stdin?.end();
  await winner.line(/^closed$/);
  expect(readdirSync(directory)).toEqual(['db']);

  const reading = await openStore(directory, { mode: 'use' });
  const impatient = openStore(directory, { mode: 'own', waitMs: 300 });
  await expect(impatient).rejects.toMatchObject({
    kind: 'input',
    message: expect.stringContaining(`process ${process.pid}`),
  });
  const patient = openStore(directory, { mode: 'own' });
  await reading.close();
  await (await patient).close();
});

test('a store with a long path is served from a short one; a port asks for its password', async () => {
  const directory = join(temporaryDirectory(), 'x'.repeat(120));
  const store = await openStore(directory, { mode: 'own' });
  const lock = readLock(join(directory, 'lock'));
  if (!lock || lock === 'unreadable' || !lock.socket) throw new Error('the store should be announced');
  expect(lock.socket.startsWith(tmpdir())).toBe(true);
  expect(statSync(lock.socket).mode & 0o777).toBe(0o700);
  expect(statSync(join(directory, 'lock')).mode & 0o777).toBe(0o600);
  const client = await openStore(directory, { mode: 'use' });
  expect(await client.listExperiments()).toEqual([]);
  await store.close();
  await client.close();
  expect(existsSync(lock.socket)).toBe(false);

  const served = await openStore(directory, { mode: 'own', socket: 'tcp' });
  const path = join(directory, 'lock');
  const text = readFileSync(path, 'utf8');
  const guest = await openStore(directory, { mode: 'use' });
  expect(await guest.listExperiments()).toEqual([]);
  await guest.close();
  writeFileSync(path, text.replace(/"token":"./, '"token":"!'));
  await expect(openStore(directory, { mode: 'use', waitMs: 100 })).rejects.toMatchObject({ kind: 'failed' });
  await served.close();
});

test('a lock is never held twice, whoever dies with it', async () => {
  const directory = temporaryDirectory();
  const racers = [1, 2, 3, 4].map(() => new Child('lock-racer.mjs', [directory, '2500']));
  await Promise.all(racers.map((racer) => racer.ended));
  const taken = racers.map((racer) => Number(racer.lines.at(-1)?.replace('taken ', '')));
  expect(racers.flatMap((racer) => racer.lines.filter((line) => !line.startsWith('taken')))).toEqual([]);
  expect(taken.reduce((sum, n) => sum + n, 0)).toBeGreaterThan(100);
  const left = readdirSync(directory).filter((name) => name !== 'lock');
  expect(left).toEqual([]);
});

test('reading commands create nothing, and unusable places are explained', async () => {
  const parent = temporaryDirectory();
  await expect(openStore(join(parent, 'none'), { mode: 'use' })).rejects.toMatchObject({
    kind: 'input',
    hint: expect.stringContaining('triggerlab run suites/quick.yaml'),
  });
  mkdirSync(join(parent, 'empty'));
  await expect(openStore(join(parent, 'empty'), { mode: 'use' })).rejects.toMatchObject({ kind: 'input' });
  expect(filesBelow(parent)).toEqual([]);

  writeFileSync(join(parent, 'file'), 'x');
  for (const mode of ['own', 'use'] as const) {
    await expect(openStore(join(parent, 'file'), { mode })).rejects.toMatchObject({
      kind: 'input',
      message: expect.stringContaining('not a directory'),
    });
    await expect(openStore(join(parent, 'file', 'below'), { mode })).rejects.toMatchObject({ kind: 'input' });
  }

  mkdirSync(join(parent, 'foreign', 'db'), { recursive: true });
  writeFileSync(join(parent, 'foreign', 'db', 'notes.txt'), 'keep me');
  await expect(openStore(join(parent, 'foreign'), { mode: 'own' })).rejects.toMatchObject({ kind: 'failed' });
  expect(readFileSync(join(parent, 'foreign', 'db', 'notes.txt'), 'utf8')).toBe('keep me');
  expect(existsSync(join(parent, 'foreign', 'lock'))).toBe(false);

  if (process.getuid?.() !== 0) {
    mkdirSync(join(parent, 'locked'));
    chmodSync(join(parent, 'locked'), 0o500);
    await expect(openStore(join(parent, 'locked'), { mode: 'own' })).rejects.toMatchObject({
      kind: 'input',
      message: expect.stringContaining('cannot be written'),
    });
  }

  mkdirSync(join(parent, 'elsewhere'));
  const lock = {
    id: '00000000-0000-4000-8000-000000000000',
    pid: 1,
    host: `not-${hostname()}`,
    startedAt: '2024-01-01T00:00:00.000Z',
    processStart: null,
    purpose: 'use',
    socket: null,
  };
  writeFileSync(join(parent, 'elsewhere', 'lock'), JSON.stringify(lock));
  await expect(openStore(join(parent, 'elsewhere'), { mode: 'own', waitMs: 50 })).rejects.toMatchObject({
    kind: 'input',
    hint: expect.stringContaining('delete'),
  });
});

test('a first start that is killed half-way leaves a store that opens', async () => {
  const directory = temporaryDirectory();
  // Without a template it takes long enough to be caught at it.
  const child = new Child('store-writer.mjs', [directory, '3', '0'], temporaryDirectory());
  const begun = () =>
    readdirSync(directory).some(
      (name) => name.startsWith('.db-new-') && existsSync(join(directory, name, 'PG_VERSION')),
    );
  while (!begun()) await new Promise((resolve) => setTimeout(resolve, 5));
  await child.kill();
  await expect(openStore(directory, { mode: 'use' })).rejects.toMatchObject({
    message: expect.stringContaining('no store'),
  });
  const store = await openStore(directory, { mode: 'own' });
  expect(await store.listExperiments()).toEqual([]);
  await store.close();
  expect(readdirSync(directory)).toEqual(['db']);
});

test('a store of a newer program is left as it is', async () => {
  const directory = temporaryDirectory();
  await (await openStore(directory, { mode: 'own' })).close();
  const db = await EmbeddedDatabase.open(join(directory, 'db'));
  await db.query('INSERT INTO schema_version VALUES (999, now())');
  await db.close();
  for (const mode of ['own', 'use'] as const) {
    await expect(openStore(directory, { mode })).rejects.toMatchObject({
      kind: 'input',
      message: expect.stringContaining('schema version 999'),
    });
  }
  expect(readdirSync(directory)).toEqual(['db']);
});
