// Image folders that somebody damaged: each is read or refused with an error for the user, and nothing is left behind.
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { zipOf } from '../../test/support/zip-file.ts';
import { TriggerlabError } from '../core/errors.ts';
import { decodeImage } from './decode-image.ts';
import { openImageFolder } from './image-folder.ts';

let folder: string;
let archive: Buffer;
let images: Record<string, Buffer>;
let encoded: Buffer[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'triggerlab-hostile-'));
  vi.stubEnv('TRIGGERLAB_CACHE', join(folder, 'cache'));
  const picture = sharp({ create: { width: 8, height: 8, channels: 3, background: 'teal' } });
  encoded = [
    await picture.clone().png().toBuffer(),
    await picture.clone().jpeg().toBuffer(),
    await picture.clone().webp().toBuffer(),
    Buffer.concat([Buffer.from('P6\n8 8\n255\n'), Buffer.alloc(192, 9)]),
  ];
  images = {};
  for (const path of ['train/a', 'train/b', 'test/a', 'test/b']) {
    encoded.forEach((bytes, i) => {
      images[`${path}/${i}.${['png', 'jpg', 'webp', 'ppm'][i]}`] = bytes;
    });
  }
  archive = zipOf(images, 'deflated');
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** Opens an archive; answers whether it could be read. Anything but a TriggerlabError (input) is a defect. */
async function survives(bytes: Buffer): Promise<boolean> {
  const path = join(folder, 'x.zip');
  writeFileSync(path, bytes);
  try {
    const { train } = await (await openImageFolder({ path, options: {} })).load();
    train.read([0, train.count - 1]);
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(TriggerlabError);
    expect((error as TriggerlabError).kind).toBe('input');
    return false;
  } finally {
    const left = existsSync(join(folder, 'cache')) ? readdirSync(join(folder, 'cache', 'datasets')) : [];
    expect(left.filter((name) => name.endsWith('.tmp'))).toEqual([]);
    rmSync(join(folder, 'cache'), { recursive: true, force: true });
    expect(readdirSync(folder)).toEqual(['x.zip']);
  }
}

const edits = fc.array(
  fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), bit: fc.integer({ min: 0, max: 7 }) }),
  { minLength: 1, maxLength: 4 },
);

function edited(bytes: Buffer, changes: readonly { readonly at: number; readonly bit: number }[]): Buffer {
  const copy = Buffer.from(bytes);
  for (const { at, bit } of changes) copy[Math.min(copy.length - 1, Math.floor(at * copy.length))] ^= 1 << bit;
  return copy;
}

test('1,000 archives with flipped bits, cut short or lengthened', { timeout: 240_000 }, async () => {
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(edits, fc.integer({ min: 0, max: 9 }), fc.nat(), async (changes, kind, length) => {
      const damaged = edited(archive, changes);
      const bytes =
        kind === 0
          ? damaged.subarray(0, length % damaged.length)
          : kind === 1
            ? Buffer.concat([damaged, Buffer.alloc(length % 70_000)])
            : damaged;
      if (!(await survives(bytes))) refused++;
    }),
    { numRuns: 1000 },
  );
  expect(refused).toBeGreaterThan(500);
});

test('300 archives with names of all kinds', { timeout: 240_000 }, async () => {
  const part = fc.constantFrom('..', '.', '', 'train', 'test', 'a', 'b', 'C:', '\\', '/etc', 'x\0y', 'é', 'train\\a');
  const name = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => `${parts.join('/')}/x.png`);
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(name, { minLength: 1, maxLength: 6 }), fc.boolean(), async (names, beside) => {
      const more = Object.fromEntries(names.map((path) => [path, encoded[0]]));
      const zip = zipOf(beside ? { ...images, ...more } : more);
      const escapes = names.some((path) => /(^|[/\\])\.\.([/\\]|$)|^\/|^C:/.test(path));
      expect((await survives(zip)) && escapes).toBe(false);
    }),
    { numRuns: 300 },
  );
});

test('a symbolic link in an archive is a file that cannot be decoded', async () => {
  const zip = zipOf({ ...images, 'train/a/0.png': Buffer.from('/etc/passwd') });
  // Mode of a symbolic link, made by Unix, in every entry of the central directory.
  for (let at = zip.indexOf('PK\x01\x02'); at >= 0; at = zip.indexOf('PK\x01\x02', at + 4)) {
    zip[at + 5] = 3;
    zip.writeUInt32LE(0o120777 * 0x10000, at + 38);
  }
  expect(await survives(zip)).toBe(false);
});

test('2,000 damaged images are decoded or refused', { timeout: 240_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 3 }), edits, fc.nat(), async (which, changes, length) => {
      const bytes = edited(encoded[which], changes);
      try {
        const cut = length % 3 === 0 ? bytes.subarray(0, length % bytes.length) : bytes;
        const { height, width, pixels } = await decodeImage(cut, 'x');
        expect(pixels).toHaveLength(3 * height * width);
      } catch (error) {
        expect(error).toBeInstanceOf(TriggerlabError);
      }
    }),
    { numRuns: 2000 },
  );
});
