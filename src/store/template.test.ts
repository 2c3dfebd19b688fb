import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { damaged, damages } from '../../test/support/hostile.ts';
import { openStore } from './open.ts';
import { keepTemplate, templateFile, unpackTemplate } from './template.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'template-test-'));
  file = join(folder, 'cache', 'template.gz');
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** Something of the shape of a database, which is in the given state. */
function database(state = 1): string {
  const directory = mkdtempSync(join(folder, 'database-'));
  for (const name of ['base', 'base/5', 'global', 'pg_tblspc']) mkdirSync(join(directory, name));
  const control = Buffer.alloc(64, 7);
  control.writeInt32LE(state, 16);
  writeFileSync(join(directory, 'global', 'pg_control'), control);
  writeFileSync(join(directory, 'PG_VERSION'), '18\n');
  writeFileSync(join(directory, 'base', '5', '2619_fsm'), Buffer.from([0, 10, 13, 255]));
  writeFileSync(join(directory, 'base', '5', 'pg_internal.init'), '');
  return directory;
}

function empty(): string {
  return mkdtempSync(join(folder, 'new-'));
}

/** Everything in a directory: folders without, files with their bytes in hexadecimal digits. */
function tree(directory: string): Record<string, string> {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort();
  const content = (path: string) => (statSync(path).isDirectory() ? 'folder' : readFileSync(path).toString('hex'));
  return Object.fromEntries(names.map((name) => [name, content(join(directory, name))]));
}

test('a database comes out as it was kept, empty folders and files included, for its owner alone', async () => {
  const original = database();
  await keepTemplate(original, file);
  const copy = empty();
  expect(await unpackTemplate(copy, file)).toBe(true);
  expect(tree(copy)).toEqual(tree(original));
  expect(tree(copy)).toMatchObject({ pg_tblspc: 'folder', PG_VERSION: '31380a' });
  if (process.platform !== 'win32') {
    expect(statSync(join(copy, 'base', '5')).mode & 0o077).toBe(0);
    expect(statSync(join(copy, 'PG_VERSION')).mode & 0o077).toBe(0);
  }
  expect(readdirSync(dirname(file))).toEqual(['template.gz']);
});

test('a database that was not closed in order is neither kept nor taken', async () => {
  await keepTemplate(database(6), file);
  expect(existsSync(file)).toBe(false);
  await keepTemplate(database(), file);
  const bytes = gunzipSync(readFileSync(file));
  bytes[bytes.indexOf(Buffer.alloc(16, 7)) + 16] = 6;
  writeFileSync(file, gzipSync(bytes));
  const directory = empty();
  expect(await unpackTemplate(directory, file)).toBe(false);
  expect(readdirSync(directory)).toEqual([]);
});

test('a cache that cannot be written is done without', async () => {
  writeFileSync(join(folder, 'cache'), '');
  await keepTemplate(database(), file);
  expect(await unpackTemplate(empty(), file)).toBe(false);
});

describe('a template that is not as it was written', () => {
  const refused = async () => {
    const directory = empty();
    const before = tree(folder);
    expect(await unpackTemplate(directory, file)).toBe(false);
    expect(tree(folder)).toEqual(before);
  };

  test('is never taken for one, wherever it is damaged', async () => {
    const original = database();
    await keepTemplate(original, file);
    const whole = readFileSync(file);
    const expected = tree(original);
    await fc.assert(
      fc.asyncProperty(damages, async (how) => {
        writeFileSync(file, damaged(whole, how));
        const directory = empty();
        const taken = await unpackTemplate(directory, file);
        expect(tree(directory)).toEqual(taken ? expected : {});
        rmSync(directory, { recursive: true });
      }),
      { numRuns: 200 },
    );
  });

  test.each([
    ['../outside', 1],
    ['base/../../outside', 1],
    ['/outside', 1],
    ['C:\\outside', 1],
    ['', 1],
    ['.', 1],
    ['PG_VERSION', -1],
    ['PG_VERSION', 1e15],
    ['PG_VERSION', 2],
    ['missing-folder/file', 1],
  ])('a file %j of %d bytes is refused', async (name, size) => {
    mkdirSync(dirname(file));
    const head = JSON.stringify({ folders: ['base'], files: [[name, size]] });
    writeFileSync(file, gzipSync(`${head}\n1`));
    await refused();
  });

  test('two files of one name, a folder outside, no line of contents and none at all are refused', async () => {
    mkdirSync(dirname(file));
    for (const content of [
      '{"folders":[],"files":[["a",1],["a",1]]}\n12',
      '{"folders":["../outside"],"files":[]}\n',
      '{"folders":[],"files":[]}',
      '{"folders":[],"files":[]}\n',
      '',
    ]) {
      writeFileSync(file, gzipSync(content));
      await refused();
    }
    writeFileSync(file, '');
    await refused();
    rmSync(file);
    await refused();
  });
});

test('the first new store makes the template anew where it is damaged, later ones begin with it, each with rows of its own', async () => {
  vi.stubEnv('TRIGGERLAB_CACHE', join(folder, 'cache'));
  mkdirSync(dirname(templateFile()), { recursive: true });
  writeFileSync(templateFile(), 'half of it');
  const first = await openStore(join(folder, 'first'), { mode: 'own' });
  await first.recordExperiment('mine', '', {}, []);
  await first.close();
  const made = statSync(templateFile());
  expect(made.size).toBeGreaterThan(1e6);

  const second = await openStore(join(folder, 'second'), { mode: 'own' });
  expect(await second.listExperiments()).toEqual([]);
  await second.recordExperiment('yours', '', {}, []);
  await second.close();
  const again = await openStore(join(folder, 'second'), { mode: 'use' });
  expect((await again.listExperiments()).map(({ name }) => name)).toEqual(['yours']);
  await again.close();
  expect(statSync(templateFile()).mtimeMs).toBe(made.mtimeMs);
  expect(readdirSync(join(folder, 'second'))).toEqual(['db']);
});
