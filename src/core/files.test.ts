import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeFileAtomic } from './files.ts';

describe('writeFileAtomic', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'triggerlab-files-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  it('makes folders, writes text and bytes, replaces what was there', async () => {
    const path = join(directory, 'a/b/file');
    await writeFileAtomic(path, 'grün');
    expect(await readFile(path, 'utf8')).toBe('grün');
    await writeFileAtomic(path, new Uint8Array([0, 255]));
    expect([...(await readFile(path))]).toEqual([0, 255]);
    expect(await readdir(join(directory, 'a/b'))).toEqual(['file']);
  });

  it.runIf(process.platform === 'linux')('gives up where the system makes no folders', async () => {
    await expect(writeFileAtomic('/proc/triggerlab/a/file', 'x')).rejects.toThrow('ENOENT');
  });

  it('takes no file for a folder', async () => {
    await writeFileAtomic(join(directory, 'plain'), 'x');
    await expect(writeFileAtomic(join(directory, 'plain/file'), 'x')).rejects.toThrow('EEXIST');
  });

  it('leaves nothing behind when it fails', async () => {
    const taken = join(directory, 'taken');
    await mkdir(join(taken, 'inside'), { recursive: true });
    await expect(writeFileAtomic(taken, 'x')).rejects.toThrow();
    expect((await readdir(directory)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    expect(await readdir(taken)).toEqual(['inside']);
  });

  it('lets readers see whole files only, whoever writes at the same time', async () => {
    const path = join(directory, 'contested');
    const contents = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(200_000));
    await writeFileAtomic(path, contents[0]);
    let writing = true;
    const writers = Promise.all(
      contents.map(async (content) => {
        for (let i = 0; i < 10; i++) await writeFileAtomic(path, content);
      }),
    ).finally(() => {
      writing = false;
    });
    while (writing) expect(contents).toContain(await readFile(path, 'utf8'));
    await writers;
  });
});
