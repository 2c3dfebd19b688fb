import { mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256Hex } from '../core/hash.ts';
import { pictureReference, readPicture, resizePicture } from './picture.ts';

let folder: string;
const at = (name: string) => join(folder, name);
const png = (pixels: number[], width: number, channels: 1 | 3 | 4) =>
  sharp(Uint8Array.from(pixels), { raw: { width, height: pixels.length / channels / width, channels } })
    .png()
    .toBuffer();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'triggerlab-picture-'));
  writeFileSync(at('alpha.png'), await png([1, 2, 3, 4, 250, 251, 252, 253], 2, 4));
  writeFileSync(at('grey.png'), await png([7, 8, 9, 10], 2, 1));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('a picture', () => {
  it('is RGBA, opaque where it has no transparency, grey ones too', async () => {
    const alpha = await readPicture(pictureReference(at('alpha.png')));
    expect(alpha).toEqual({ height: 1, width: 2, rgba: Uint8Array.of(1, 2, 3, 4, 250, 251, 252, 253) });
    const grey = await readPicture(pictureReference(at('grey.png')));
    expect([...grey.rgba]).toEqual([7, 7, 7, 255, 8, 8, 8, 255, 9, 9, 9, 255, 10, 10, 10, 255]);
  });

  it('is known by its content', async () => {
    const bytes = await png([1, 2, 3, 4, 250, 251, 252, 253], 2, 4);
    writeFileSync(at('copy.png'), bytes);
    expect(pictureReference(at('copy.png'))).toEqual({ path: at('copy.png'), sha256: sha256Hex(bytes) });
    expect(pictureReference(at('alpha.png')).sha256).toBe(sha256Hex(bytes));
  });

  it('that has changed since is refused', async () => {
    writeFileSync(at('changing.png'), await png([1, 1, 1], 1, 3));
    const reference = pictureReference(at('changing.png'));
    writeFileSync(at('changing.png'), await png([2, 2, 2], 1, 3));
    await expect(readPicture(reference)).rejects.toMatchObject({
      kind: 'input',
      message: expect.stringContaining('no longer the picture'),
    });
    expect(pictureReference(at('changing.png')).sha256).not.toBe(reference.sha256);
  });
});

it.each(['jpeg', 'webp'] as const)('reads %s', async (format) => {
  const made = sharp({ create: { width: 3, height: 2, channels: 3, background: '#804020' } }).toFormat(format);
  writeFileSync(at(`plain.${format}`), await made.toBuffer());
  const { height, width, rgba } = await readPicture(pictureReference(at(`plain.${format}`)));
  expect([height, width, rgba[3]]).toEqual([2, 3, 255]);
  expect(Math.abs(rgba[0] - 0x80)).toBeLessThan(6);
});

describe('files from others', () => {
  it.each([
    ['nowhere.png', 'no such file'],
    ['.', 'is not a file'],
    ['/dev/zero', 'is not a file'],
  ])('%s is refused before it is read', (name, message) => {
    const path = name.startsWith('/') ? name : at(name);
    expect(() => pictureReference(path)).toThrow(
      expect.objectContaining({ kind: 'input', message: expect.stringContaining(message) }),
    );
  });

  it('large ones are refused by their size alone', () => {
    writeFileSync(at('large.png'), '');
    truncateSync(at('large.png'), 33 * 2 ** 20);
    expect(() => pictureReference(at('large.png'))).toThrow(/a picture may have 33554432/);
  });

  it('a link to a picture is that picture', () => {
    symlinkSync(at('grey.png'), at('link.png'));
    expect(pictureReference(at('link.png')).sha256).toBe(pictureReference(at('grey.png')).sha256);
  });

  it.each([
    ['text.png', async () => Buffer.from('not a picture')],
    ['empty.png', async () => Buffer.alloc(0)],
    [
      'cut.png',
      async () =>
        (
          await png(
            Array(3000)
              .fill(9)
              .map((_, i) => (i * 37) % 251),
            100,
            3,
          )
        ).subarray(0, 200),
    ],
    ['drawing.svg', async () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')],
    [
      'pixels.png',
      () =>
        sharp({ create: { width: 5000, height: 5000, channels: 3, background: '#fff' } })
          .png()
          .toBuffer(),
    ],
  ])('%s cannot be decoded', async (name, content) => {
    writeFileSync(at(name), await content());
    await expect(readPicture(pictureReference(at(name)))).rejects.toMatchObject({
      kind: 'input',
      message: expect.stringContaining(`cannot decode ${at(name)}`),
      hint: 'Give a PNG, JPEG or WebP file.',
    });
  });
});

describe('resizePicture', () => {
  it('leaves a picture of the size alone, but for the colour of what is not there', () => {
    const rgba = Uint8Array.of(9, 8, 7, 255, 200, 100, 50, 255, 1, 2, 3, 0);
    const same = resizePicture({ height: 1, width: 3, rgba }, 1, 3);
    expect([...same.rgba]).toEqual([9, 8, 7, 255, 200, 100, 50, 255, 0, 0, 0, 0]);
  });

  it('weighs colours by how much they cover', () => {
    const rgba = Uint8Array.of(200, 100, 50, 255, 0, 255, 0, 0);
    expect([...resizePicture({ height: 1, width: 2, rgba }, 1, 1).rgba]).toEqual([199, 100, 50, 128]);
  });
});
