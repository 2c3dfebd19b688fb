import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fillDirectory, writeFileAtomic } from './files.ts';

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

describe('fillDirectory', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'triggerlab-fill-'));
  });
  afterAll(() => rm(directory, { recursive: true }));
  const fill = (path: string) => fillDirectory(path, (temporary) => writeFile(join(temporary, 'one'), '1'));

  it('makes a directory whole, also in place of an empty one', async () => {
    await fill(join(directory, 'a/new'));
    expect(await readdir(join(directory, 'a/new'))).toEqual(['one']);
    await mkdir(join(directory, 'a/empty'));
    await fill(join(directory, 'a/empty'));
    expect((await readdir(join(directory, 'a'))).sort()).toEqual(['empty', 'new']);
  });

  it('touches nothing that is there, and leaves nothing when it fails', async () => {
    await expect(fill(join(directory, 'a/new'))).rejects.toMatchObject({
      kind: 'input',
      message: expect.stringMatching(/is not empty$/),
    });
    await expect(fill(join(directory, 'a/new/one'))).rejects.toMatchObject({
      kind: 'input',
      message: expect.stringMatching(/is a file$/),
    });
    const failing = fillDirectory(join(directory, 'b'), async (temporary) => {
      await writeFile(join(temporary, 'half'), '');
      throw new Error('full');
    });
    await expect(failing).rejects.toThrow('full');
    expect(await readdir(directory)).toEqual(['a']);
    // Somebody else was faster: theirs stays.
    const late = fillDirectory(join(directory, 'c'), () => fill(join(directory, 'c')));
    await expect(late).rejects.toThrow();
    expect((await readdir(directory)).sort()).toEqual(['a', 'c']);
    expect(await readdir(join(directory, 'c'))).toEqual(['one']);
  });
});
