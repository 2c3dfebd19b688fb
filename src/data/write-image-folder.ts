// Datasets as folders of PNG files that our own reader, and others, take.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { makeDirectory } from '../core/files.ts';
import type { Image } from '../core/images.ts';

/**
 * Folder names of classes, so that a reader which numbers them by name gives them their numbers: the classes' own names where these are
 * in order and can be file names everywhere, else the numbers with what can be kept of the names.
 */
export function classFolders(classes: readonly string[]): string[] {
  const plain = (name: string) => /^[A-Za-z0-9_][A-Za-z0-9_ -]{0,79}$/.test(name) && !name.endsWith(' ');
  const inOrder = classes.every((name, i) => i === 0 || classes[i - 1] < name);
  const distinct = new Set(classes.map((name) => name.toLowerCase())).size === classes.length;
  if (inOrder && distinct && classes.every(plain)) return [...classes];
  const digits = String(Math.max(0, classes.length - 1)).length;
  return classes.map((name, i) => {
    const kept = name.replace(/[^A-Za-z0-9_]+/g, '-').replace(/^-+|-+$/g, '');
    return [String(i).padStart(digits, '0'), kept.slice(0, 80)].filter((part) => part !== '').join('-');
  });
}

/** Writes an image as PNG, losslessly, below `directory`; `path` has `/` between its parts. */
export async function writePng(directory: string, path: string, image: Image): Promise<void> {
  const { height, width, channels, pixels } = image;
  const file = join(directory, ...path.split('/'));
  makeDirectory(join(file, '..'));
  const png = sharp(pixels, { raw: { height, width, channels } })
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .png();
  await writeFile(file, await png.toBuffer());
}
