// A picture that a spec names as part of a trigger: known by its content, read once, hostile until decoded.
import { readFileSync, statSync } from 'node:fs';
import { inputError, messageOf, TriggerlabError } from '../core/errors.ts';
import { sha256Hex } from '../core/hash.ts';
import type { FileReference } from '../core/references.ts';
import { resizeImage } from './resize-image.ts';

/** Larger files and pictures are refused before they are decoded. */
const MAX_BYTES = 32 * 2 ** 20;
const MAX_PIXELS = 2 ** 24;

/** RGBA bytes, row by row; A 255 where the picture is opaque. */
export interface Picture {
  readonly height: number;
  readonly width: number;
  readonly rgba: Uint8Array;
}

interface Known {
  readonly stamp: string;
  readonly sha256: string;
}

/** Hashes of files as long as they stay the same: a spec is checked many times. */
const hashes = new Map<string, Known>();
const decoded = new Map<string, Promise<Picture>>();
const MAX_DECODED = 16;

/**
 * A file and the hash of its content. Paths start from the working folder.
 * @throws TriggerlabError (input) when there is no such file, or it has more than 32 MB.
 */
export function pictureReference(path: string): FileReference {
  return { path, sha256: readFile(path).sha256 };
}

/**
 * The picture of a reference. Colour profiles and orientation marks are ignored, as with datasets.
 * @throws TriggerlabError (input) when the file has changed, is no picture, is damaged, or has more than 16.8 million pixels.
 */
export function readPicture({ path, sha256 }: FileReference): Promise<Picture> {
  const known = decoded.get(sha256);
  if (known) return known;
  const picture = decode(path, sha256);
  decoded.set(sha256, picture);
  picture.catch(() => decoded.delete(sha256));
  if (decoded.size > MAX_DECODED) decoded.delete(decoded.keys().next().value ?? '');
  return picture;
}

async function decode(path: string, sha256: string): Promise<Picture> {
  const file = readFile(path, true);
  if (file.sha256 !== sha256) {
    throw inputError(`${path} is no longer the picture that was planned with`, {
      hint: 'Plan it again with what is there now: triggerlab run SPEC.',
    });
  }
  // Loaded here because most commands do not need it.
  const { default: sharp } = await import('sharp');
  try {
    if (!isRaster(file.bytes)) throw new Error('it is neither PNG nor JPEG nor WebP');
    const { data, info } = await sharp(file.bytes, {
      limitInputPixels: MAX_PIXELS,
      failOn: 'error',
      ignoreIcc: true,
      pages: 1,
    })
      .toColourspace('srgb')
      .ensureAlpha()
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    if (channels !== 4) throw new Error(`it has ${channels} channels`);
    return { height, width, rgba: new Uint8Array(data) };
  } catch (cause) {
    throw inputError(`cannot decode ${path}: ${messageOf(cause).split('\n', 1)[0]}`, {
      hint: 'Give a PNG, JPEG or WebP file.',
      cause,
    });
  }
}

/** The decoder would take drawings and documents too, which can do more than show pixels. */
function isRaster(bytes: Uint8Array): boolean {
  const head = Buffer.from(bytes.subarray(0, 12));
  const png = head.subarray(0, 8).equals(Buffer.from('89504e470d0a1a0a', 'hex'));
  const jpeg = head.subarray(0, 3).equals(Buffer.from('ffd8ff', 'hex'));
  return png || jpeg || (head.toString('latin1', 0, 4) === 'RIFF' && head.toString('latin1', 8) === 'WEBP');
}

function readFile(path: string): Known;
function readFile(path: string, withBytes: true): Known & { readonly bytes: Uint8Array };
function readFile(path: string, withBytes = false): Known & { readonly bytes?: Uint8Array } {
  try {
    const stats = statSync(path, { bigint: true });
    // Asked before it is opened: opening a pipe would wait for a writer.
    if (!stats.isFile()) throw inputError(`${path} is not a file`, { hint: 'Give the path of a picture.' });
    if (stats.size > MAX_BYTES) {
      throw inputError(`${path} has ${stats.size} bytes; a picture may have ${MAX_BYTES}`, {
        hint: 'Make it smaller: it is scaled to the size of the images anyway.',
      });
    }
    const stamp = [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(' ');
    const known = hashes.get(path);
    if (!withBytes && known?.stamp === stamp) return known;
    const bytes = readFileSync(path);
    const found = { stamp, sha256: sha256Hex(bytes) };
    hashes.set(path, found);
    return { ...found, bytes };
  } catch (cause) {
    if (cause instanceof TriggerlabError) throw cause;
    const gone = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw inputError(gone ? `${path}: no such file` : `${path} cannot be read: ${messageOf(cause)}`, {
      hint: 'Paths start from the working folder.',
      cause,
    });
  }
}

/** The picture at another size (see `resizeImage`). Colours count by how much they cover, so that what is transparent leaves no fringe. */
export function resizePicture(picture: Picture, height: number, width: number): Picture {
  const { rgba } = picture;
  const size = { height: picture.height, width: picture.width };
  const alpha = rgba.filter((_, i) => i % 4 === 3);
  const weighted = Uint8Array.from({ length: 3 * alpha.length }, (_, i) => {
    const at = Math.floor(i / 3);
    return Math.round((rgba[4 * at + (i % 3)] * alpha[at]) / 255);
  });
  const color = resizeImage({ ...size, channels: 3, pixels: weighted }, height, width).pixels;
  const cover = resizeImage({ ...size, channels: 1, pixels: alpha }, height, width).pixels;
  const out = new Uint8Array(4 * height * width);
  for (let i = 0; i < height * width; i++) {
    const share = cover[i] / 255;
    if (share === 0) continue;
    for (let c = 0; c < 3; c++) out[4 * i + c] = Math.min(255, Math.round(color[3 * i + c] / share));
    out[4 * i + 3] = cover[i];
  }
  return { height, width, rgba: out };
}
