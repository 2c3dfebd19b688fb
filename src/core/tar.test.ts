import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { tarOf } from '../../test/support/tar-file.ts';
import { tarFiles } from './tar.ts';

const directory = mkdtempSync(join(tmpdir(), 'triggerlab-tar-'));
const path = join(directory, 'test.tar');
afterAll(() => rmSync(directory, { recursive: true }));

const FILES = { 'one.json': '{}', 'folder/two': 'x'.repeat(1500), three: '' };

/** The files of an archive with their contents, read as those who take it in do. */
async function contentsOf(bytes: Uint8Array): Promise<Record<string, string>> {
  writeFileSync(path, bytes);
  const found: Record<string, string> = {};
  for await (const { name, content } of tarFiles(path, 1e6)) {
    const parts: Uint8Array[] = [];
    for await (const part of content) parts.push(part);
    found[name] = Buffer.concat(parts).toString();
  }
  return found;
}

test('files come in their order, whole', async () => {
  expect(Object.entries(await contentsOf(await tarOf(FILES)))).toEqual(Object.entries(FILES));
});

test('wherever an archive is cut: an error that says so, or nothing but whole files', async () => {
  const whole = await tarOf(FILES);
  let refused = 0;
  for (let length = 1; length < whole.length; length += 151) {
    const outcome = await contentsOf(whole.subarray(0, length)).catch((error: unknown) => error);
    if (outcome instanceof Error) {
      expect(outcome).toMatchObject({ kind: 'input', message: expect.stringContaining('no intact tar archive') });
      refused++;
    } else expect(FILES).toMatchObject(outcome as object);
  }
  expect(refused).toBeGreaterThan(5);
});

test('names that point outside are refused before anything of them is read', async () => {
  for (const name of ['../up', '/etc/passwd', 'a/../../b', 'c:\\x', 'a\\..\\b'])
    await expect(contentsOf(await tarOf({ [name]: '' }))).rejects.toMatchObject({
      kind: 'input',
      message: expect.stringContaining('points outside'),
    });
});
