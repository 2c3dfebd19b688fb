import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { classFolders, writePng } from './write-image-folder.ts';

describe('classFolders', () => {
  it('keeps names that sort as they are numbered', () => {
    expect(classFolders(['0', '1', '2'])).toEqual(['0', '1', '2']);
    expect(classFolders(['airplane', 'automobile', 'bird'])).toEqual(['airplane', 'automobile', 'bird']);
  });

  it.each([
    [
      ['T-shirt/top', 'Trouser'],
      ['0-T-shirt-top', '1-Trouser'],
    ],
    [
      ['dog', 'cat'],
      ['0-dog', '1-cat'],
    ],
    [
      ['../../etc', '..'],
      ['0-etc', '1'],
    ],
    [
      ['A', 'a'],
      ['0-A', '1-a'],
    ],
    [
      ['.hidden', 'b'],
      ['0-hidden', '1-b'],
    ],
  ])('numbers those that do not, or are no file names: %j', (classes, expected) => {
    expect(classFolders(classes)).toEqual(expected);
  });

  it('numbers with as many digits as are needed', () => {
    const folders = classFolders(Array.from({ length: 11 }, (_, i) => `class ${i}`));
    expect(folders[2]).toBe('02-class-2');
    expect([...folders].sort()).toEqual(folders);
  });
});

describe('writePng', () => {
  it.each([1, 3] as const)('keeps every byte of %i channels, and the channels', async (channels) => {
    const folder = mkdtempSync(join(tmpdir(), 'triggerlab-png-'));
    const pixels = Uint8Array.from({ length: 16 * 17 * channels }, (_, i) => (i * 7) % 256);
    await writePng(folder, 'train/a/0.png', { height: 17, width: 16, channels, pixels });
    const file = readFileSync(join(folder, 'train/a/0.png'));
    // Byte 25 of a PNG file is its colour type: 0 grey, 2 RGB.
    expect(file[25]).toBe(channels === 1 ? 0 : 2);
    expect(
      new Uint8Array(
        await sharp(file)
          .toColourspace(channels === 1 ? 'b-w' : 'srgb')
          .raw()
          .toBuffer(),
      ),
    ).toEqual(pixels);
    rmSync(folder, { recursive: true });
  });
});
