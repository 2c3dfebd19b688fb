// The packed rows of an official dataset in the cache: made once for each size, then read by row.
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { failedError } from '../../core/errors.ts';
import type { Dataset, DatasetProgress, OfficialDataset } from '../dataset.ts';
import { inCache } from '../image-folder-pack.ts';
import { openPacked, type PackedHeader, writePacked } from '../packed-images.ts';
import { resizedImages } from '../row-blocks.ts';
import { type DatasetCard, datasetDirectory, filesKey, packedPath } from './card.ts';

type Files = DatasetCard['files'];
type Packed = PackedHeader & Pick<Dataset, 'train' | 'test'>;

/** Rows of the files that a card names, at `side` or the dataset's own size; packed first when they are not yet. */
export async function openPulled(
  official: OfficialDataset,
  { files }: Pick<DatasetCard, 'files'>,
  side: number | undefined,
  onProgress: DatasetProgress = () => {},
): Promise<Dataset & PackedHeader> {
  const { name } = official;
  const path = packedPath(official, files, side ?? official.height);
  const packed = openPacked(path) ?? (await pack(official, files, side ?? official.height, path, onProgress));
  return { ...packed, name };
}

async function pack(
  official: OfficialDataset,
  files: Files,
  side: number,
  to: string,
  onProgress: DatasetProgress,
): Promise<Packed> {
  const { name, classes } = official;
  const paths = official.files.map((published) => {
    const file = files.find((there) => there.name === published.name);
    return join(datasetDirectory(name), file?.file ?? published.name);
  });
  const raw = resizedImages(await official.open(paths, side), side);
  await inCache(() => writePacked(to, classes, raw, (done, total) => onProgress(`packing ${name}`, done, total)));
  const packed = openPacked(to);
  if (!packed) throw failedError(`${to} was removed while it was in use`, { hint: 'Try again.' });
  return packed;
}

/** Removes what lies beside the card and does not belong to it: earlier files, and what was packed from them. */
export function removeSuperseded(official: OfficialDataset, card: DatasetCard): void {
  const directory = datasetDirectory(official.name);
  const key = filesKey(official.reader, card.files);
  const kept = new Set(card.files.map(({ file }) => file));
  for (const name of readdirSync(directory)) {
    const packed = name.endsWith('.images');
    const source = /^[0-9a-f]{8}-/.test(name);
    if (packed ? !name.startsWith(`${key}-`) : source && !kept.has(name))
      rmSync(join(directory, name), { force: true });
  }
}
