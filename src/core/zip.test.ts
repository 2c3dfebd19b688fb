import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Files, zipOf } from '../../test/support/zip-file.ts';
import { openZip, withZip } from './zip.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'triggerlab-zip-'));
});
afterAll(() => rm(folder, { recursive: true }));

let archives = 0;
async function zipFile(content: Files, method?: 'stored' | 'deflated'): Promise<string> {
  const path = join(folder, `${archives++}.zip`);
  await writeFile(path, zipOf(content, method));
  return path;
}

describe('withZip', () => {
  const open = (path: string) => withZip(path, 100, async (archive) => archive.names);
  const refused = (path: string, message: RegExp) =>
    expect(open(path)).rejects.toMatchObject({ kind: 'input', message: expect.stringMatching(message) });

  it('refuses what is no zip archive', async () => {
    const junk = join(folder, 'junk.zip');
    await writeFile(junk, Buffer.alloc(5000, 7));
    await refused(junk, /cannot open .*junk\.zip as a zip archive/);
    await writeFile(junk, '');
    await refused(junk, /cannot open/);
    await refused(folder, /cannot open/);
    await refused(join(folder, 'none.zip'), /cannot open .*ENOENT/);
  });

  it('refuses a truncated archive', async () => {
    const path = await zipFile({ a: 'content' });
    const whole = zipOf({ a: 'content' });
    await writeFile(path, whole.subarray(0, whole.length - 30));
    await refused(path, /cannot open/);
  });

  it('refuses places that no file can have, without a word past its caller', async () => {
    const beyond = Buffer.alloc(8, 0xf4);
    const whole = zipOf({ a: 'content' });
    const endAt = whole.length - 22;
    const path = join(folder, 'beyond.zip');
    // A ZIP64 directory is said to lie there.
    const locator = Buffer.concat([Buffer.from('PK\x06\x07\0\0\0\0'), beyond, Buffer.from([1, 0, 0, 0])]);
    await writeFile(path, Buffer.concat([whole.subarray(0, endAt), locator, whole.subarray(endAt)]));
    await refused(path, /cannot open .*beyond its end/);
    // The first entry is said to lie there, in a ZIP64 field at the end of its record.
    const extra = Buffer.concat([Buffer.from([1, 0, 8, 0]), beyond]);
    const record = whole.indexOf('PK\x01\x02');
    const changed = Buffer.concat([whole.subarray(0, endAt), extra, whole.subarray(endAt)]);
    changed.writeUInt16LE(extra.length, record + 30);
    changed.writeUInt32LE(0xffffffff, record + 42);
    await writeFile(path, changed);
    await expect(withZip(path, 100, (archive) => archive.read('a', 100))).rejects.toMatchObject({
      kind: 'input',
      message: expect.stringMatching(/cannot read a in .*beyond its end/),
    });
  });

  it.each(['../escape.txt', '/etc/passwd', 'a/../../b', 'C:/x'])('refuses the name %s', async (name) => {
    await refused(await zipFile({ [name]: 'x' }), /damaged or unsafe/);
  });

  it('refuses more entries than allowed, and a name used twice', async () => {
    const many = Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`f${i}`, '']));
    await refused(await zipFile(many), /101 entries, at most 100/);
    const twice = join(folder, 'twice.zip');
    await writeFile(
      twice,
      Buffer.from(zipOf({ aa: '1', ab: '2' }).toString('latin1').replaceAll('ab', 'aa'), 'latin1'),
    );
    await refused(twice, /two entries named aa/);
  });

  it('refuses content that does not match its checksum', async () => {
    const path = join(folder, 'flipped.zip');
    await writeFile(
      path,
      Buffer.from(zipOf({ a: 'content' }).toString('latin1').replace('content', 'c0ntent'), 'latin1'),
    );
    const read = withZip(path, 10, (archive) => archive.read('a', 100));
    await expect(read).rejects.toMatchObject({ kind: 'input', message: expect.stringMatching(/checksum/) });
    const none = withZip(path, 10, (archive) => archive.read('b', 100));
    await expect(none).rejects.toMatchObject({ kind: 'input', message: expect.stringMatching(/no entry b/) });
  });
});

describe('openZip', () => {
  const content = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * i) % 251));

  it.each(['stored', 'deflated'] as const)('reads a part of a %s file, again and again', async (method) => {
    const archive = await openZip(await zipFile({ 'a/b': content, empty: '' }, method), 10);
    expect(archive.info('a/b')).toEqual({ bytes: 300_000, stored: method === 'stored' });
    for (const [from, to] of [
      [0, 300_000],
      [70_000, 70_001],
      [65_530, 131_080],
      [5, 5],
    ]) {
      expect(Buffer.from(await archive.readRange('a/b', from, to)).equals(content.subarray(from, to))).toBe(true);
    }
    expect(await archive.read('empty', 0)).toHaveLength(0);
    await expect(archive.readRange('a/b', 0, 300_001)).rejects.toThrow(RangeError);
    await expect(archive.read('a/b', 299_999)).rejects.toMatchObject({ kind: 'input' });
    archive.close();
  });

  it('checks the whole of a file even when a part is asked for', async () => {
    const bytes = zipOf({ a: content });
    bytes[bytes.indexOf(content.subarray(200_000, 200_100))] ^= 1;
    const path = join(folder, 'part.zip');
    await writeFile(path, bytes);
    const archive = await openZip(path, 10);
    await expect(archive.readRange('a', 0, 10)).rejects.toThrow(/checksum/);
    archive.close();
  });
});
