import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isAbandoned, isOwnMark, makerMark } from './maker.ts';

let folder: string;
let path: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'triggerlab-maker-'));
  path = join(folder, 'file');
  writeFileSync(path, '');
});
afterAll(() => rmSync(folder, { recursive: true }));

const written = (minutesAgo: number) => utimesSync(path, new Date(), new Date(Date.now() - 60_000 * minutesAgo));

it('a file belongs to its process as long as that lives, however long it is silent', () => {
  const mark = makerMark();
  expect(makerMark()).not.toBe(mark);
  expect(isOwnMark(mark)).toBe(true);
  written(1000);
  expect(isAbandoned(mark, path)).toBe(false);
  const ended = mark.replace(`-${process.pid}-`, `-${spawnSync(process.execPath, ['-e', '']).pid}-`);
  written(0);
  expect(isOwnMark(ended)).toBe(false);
  expect(isAbandoned(ended, path)).toBe(true);
});

it('processes of other machines cannot be asked: an hour of silence counts', () => {
  const other = '00000000-1-00000000';
  written(50);
  expect(isAbandoned(other, path)).toBe(false);
  written(70);
  expect(isAbandoned(other, path)).toBe(true);
  expect(isAbandoned(other, join(folder, 'gone'))).toBe(false);
});

it.each(['', 'x', '123-4', `${'0'.repeat(8)}-99999999999999-${'0'.repeat(8)}`])('%j is no mark', (text) => {
  written(100);
  expect(isAbandoned(text, path)).toBe(false);
});
