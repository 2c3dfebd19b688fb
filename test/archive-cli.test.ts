// Runs from store to store and to nodes without a database, as a shell sees it: `store export|import`, `shard export|run|import`.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cli } from './support/cli.ts';
import { measured } from './support/measured.mjs';
import { tarOf } from './support/tar-file.ts';

const root = mkdtempSync(join(tmpdir(), 'archive-cli-'));
const file = (...parts: string[]) => join(root, ...parts);
const SPEC = `name: tiny
dataset: shapes?train=40&test=20
model: alexnet-mini
init: random
training: {learningRate: 0.001, epochs: 2, batchSize: 20}
attack: {type: badnets, size: 0.16, color: white, target: 3, poisonRate: [0.2, 0.5]}
`;

beforeAll(() => {
  process.env.TRIGGERLAB_CACHE ??= file('cache');
  for (const name of ['lab', 'node']) mkdirSync(file(name));
  writeFileSync(file('lab', 'tiny.yaml'), SPEC);
});
afterAll(() => rmSync(root, { recursive: true, force: true, maxRetries: 5 }));

/** The document of a command that must succeed, done in a folder. */
async function json(folder: string, ...args: string[]) {
  const { code, stdout, stderr } = await cli(file(folder), ...args, '--json');
  expect(stderr).not.toMatch(/^error/m);
  expect(code).toBe(0);
  return JSON.parse(stdout);
}

let whole: { runs: { runId: string }[] };

test('a store goes into an archive and out of it, once, and comes out as the same bytes', async () => {
  whole = await json('lab', 'run', 'tiny.yaml', '--workers', '1');
  expect(whole.runs).toHaveLength(3);
  const exported = await json('lab', 'store', 'export', '../all.tar');
  expect(exported).toMatchObject({ experiments: 1, runs: 3, done: 3, missing: 0 });
  const taken = { experiments: 1, added: 3, results: 3, same: 0, differing: [], artifacts: exported.artifacts };
  const again = { experiments: 0, added: 0, results: 0, same: 3, differing: [], artifacts: 0 };
  expect(await json('node', 'store', 'import', '../all.tar', '--store', 'copy')).toMatchObject(taken);
  expect(await json('node', 'store', 'import', '../all.tar', '--store', 'copy')).toMatchObject(again);
  await json('node', 'store', 'export', '../again.tar', '--store', 'copy');
  expect(readFileSync(file('again.tar')).equals(readFileSync(file('all.tar')))).toBe(true);
}, 300_000);

test('a shard done on a node without the store gives the bits of an undisturbed sweep', async () => {
  await json('lab', 'results', 'rm', 'tiny', '--where', 'attack=badnets', '--yes');
  const { shards } = await json('lab', 'shard', 'export', 'tiny', '--shards', '1', '--out', '../shards');
  expect(shards).toMatchObject([{ pending: 2, done: 1 }]);
  const shard = ['shard', 'run', '../shards/tiny-1-of-1.tar', '--out', '../results.tar', '--workers', '1'];
  expect(await json('node', ...shard)).toMatchObject({ runs: 3, done: 3 });
  const brought = { experiments: 0, added: 0, results: 2, same: 1, differing: [] };
  expect(await json('lab', 'shard', 'import', '../results.tar')).toMatchObject(brought);
  expect(measured(await json('lab', 'results', 'tiny'))).toEqual(measured(whole));
}, 300_000);

test('a result that differs is told with exit code 1, and not taken', async () => {
  const [, second] = readFileSync(file('all.tar'), 'latin1').match(/"asr":(0\.\d+|[01])/) ?? [];
  const other = second.replace(/\d$/, (digit) => String((Number(digit) + 1) % 10));
  const altered = readFileSync(file('all.tar'), 'latin1').replace(`"asr":${second}`, `"asr":${other}`);
  writeFileSync(file('altered.tar'), Buffer.from(altered, 'latin1'));
  const { code, stdout } = await cli(file('node'), 'store', 'import', '../altered.tar', '--store', 'copy');
  expect(stdout).toMatch(/1 results differ from those that are here, which stay:\n {2}\S+: asr/);
  expect(code).toBe(1);
}, 300_000);

test('what is no sound archive is refused with exit code 2 and leaves nothing', async () => {
  const whole = readFileSync(file('all.tar'));
  const put = (name: string, bytes: Uint8Array) => writeFileSync(file(name), bytes);
  put('cut.tar', whole.subarray(0, whole.length / 2));
  put('newer.tar', Buffer.from(whole.toString('latin1').replace('"version":1', '"version":9'), 'latin1'));
  put('escape.tar', await tarOf({ '../../evil': 'content' }));
  const before = readdirSync(root, { recursive: true }).length;
  const mistakes: [string[], RegExp][] = [
    [['store', 'import', '../cut.tar'], /cut\.tar is no intact tar archive.*\n.*cut short/],
    [['store', 'import', '../newer.tar'], /format version 9; this program knows up to 1\n {2}It was written by/],
    [['store', 'import', '../escape.tar'], /"\.\.\/\.\.\/evil" points outside the archive/],
    [['store', 'import', '../none.tar'], /none\.tar/],
    [['shard', 'run', '../escape.tar', '--out', '../out.tar'], /points outside the archive/],
    [['shard', 'import', '../shards/tiny-1-of-1.tar'], /is a shard that has not been run.*\n.*triggerlab shard run/],
  ];
  const ended = await Promise.all(mistakes.map(([args]) => cli(file('node'), ...args, '--store', 'fresh')));
  for (const [i, [args, message]] of mistakes.entries()) {
    expect(ended[i].stderr, args.join(' ')).toMatch(message);
    expect(ended[i].code, args.join(' ')).toBe(2);
    expect(ended[i].stdout).toBe('');
  }
  expect(existsSync(file('node', 'fresh'))).toBe(false);
  for (const [args, message] of [
    [['shard', 'export', 'tiny', '--shards', '2', '--out', '../more'], /0 pending runs to deal out/],
    [['store', 'export', '../x.tar', '--experiment', 'tinny'], /Did you mean "tiny"/],
  ] as [string[], RegExp][]) {
    const { code, stderr } = await cli(file('lab'), ...args);
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  }
  expect(readdirSync(root, { recursive: true })).toHaveLength(before);
}, 300_000);
