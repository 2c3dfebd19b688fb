// Reader of the GTSRB's archives: a folder of PPM files and a list for each class, and test images with a list of their own.
import { inputError } from '../../core/errors.ts';
import { openZip, withZip, type ZipArchive } from '../../core/zip.ts';
import type { RawImages } from '../dataset.ts';
import { decodeImage } from '../decode-image.ts';
import { decodedBlocks } from '../decoded-blocks.ts';
import { PIL_BILINEAR, resizeImage } from '../resize-image.ts';

interface LabelledEntry {
  readonly name: string;
  readonly label: number;
}

/** The published archives have up to 40,000 entries, images of up to 250 × 250 pixels and lists of up to 480 kB. */
const MAX_ENTRIES = 200_000;
const MAX_IMAGE_BYTES = 4_000_000;
const MAX_PIXELS = 1024 * 1024;
const MAX_LIST_BYTES = 20_000_000;
const HINT =
  'Give the three archives as published: GTSRB_Final_Training_Images.zip, GTSRB_Final_Test_Images.zip, GTSRB_Final_Test_GT.zip.';

/**
 * All signs, RGB, resized to `side` pixels. Training rows come class by class, rows of a class and test rows in the order
 * of their lists.
 * @throws TriggerlabError (input) for an archive that is damaged or another one, or an image that cannot be decoded.
 */
export async function openGtsrb(paths: readonly string[], side: number, classes: number): Promise<RawImages> {
  const [training, test, truth] = paths;
  const trainRows = await withZip(training, MAX_ENTRIES, (archive) => trainingEntries(archive, training, classes));
  const labels = await withZip(truth, MAX_ENTRIES, (archive) => testLabels(archive, truth, classes));
  const testRows = await withZip(test, MAX_ENTRIES, async (archive) => testEntries(archive, test, labels));
  const shape = { height: side, width: side, channels: 3 as const };
  const blocksOf = async function* (path: string, rows: readonly LabelledEntry[], first: number) {
    const archive = await openZip(path, MAX_ENTRIES);
    try {
      const decode = async (row: number) => {
        const { name } = rows[row];
        const bytes = await archive.read(name, MAX_IMAGE_BYTES);
        return resizeImage(await decodeImage(bytes, `${path}: ${name}`, MAX_PIXELS), side, side, PIL_BILINEAR);
      };
      for await (const block of decodedBlocks(shape, rows.length, decode))
        yield { ...block, first: first + block.first };
    } finally {
      archive.close();
    }
  };
  return {
    ...shape,
    trainLabels: Uint16Array.from(trainRows, ({ label }) => label),
    testLabels: Uint16Array.from(testRows, ({ label }) => label),
    async *blocks() {
      yield* blocksOf(training, trainRows, 0);
      yield* blocksOf(test, testRows, trainRows.length);
    },
  };
}

/** Every class has a folder `00000` … with images and a list `GT-00000.csv`. */
async function trainingEntries(archive: ZipArchive, path: string, classes: number): Promise<LabelledEntry[]> {
  const images = new Set(archive.names.filter((name) => /\.ppm$/i.test(name)));
  const lists = archive.names.filter((name) => /(^|\/)(\d{5})\/GT-\2\.csv$/.test(name)).sort();
  if (lists.length === 0) throw wrong(path, 'no lists GT-00000.csv … of training images in it');
  const rows: LabelledEntry[] = [];
  for (const list of lists) {
    const folder = list.slice(0, list.lastIndexOf('/') + 1);
    for (const { file, label } of await readList(archive, path, list, classes)) {
      const name = folder + file;
      // Taken once only: an image named twice would count twice.
      if (!images.delete(name)) throw wrong(path, `${list}: no image ${name}, or named before`);
      rows.push({ name, label });
    }
  }
  const [unlisted] = images;
  if (unlisted !== undefined) throw wrong(path, `${unlisted} is in no list`);
  return rows
    .map((row, i) => ({ row, i }))
    .sort((a, b) => a.row.label - b.row.label || a.i - b.i)
    .map(({ row }) => row);
}

async function testLabels(archive: ZipArchive, path: string, classes: number): Promise<Map<string, number>> {
  const list = archive.names.find((name) => /(^|\/)GT-final_test\.csv$/.test(name));
  if (list === undefined) throw wrong(path, 'no GT-final_test.csv in it');
  const rows = await readList(archive, path, list, classes);
  const labels = new Map(rows.map(({ file, label }) => [file, label]));
  if (labels.size !== rows.length) throw wrong(path, `${list} names an image twice`);
  return labels;
}

function testEntries(archive: ZipArchive, path: string, labels: ReadonlyMap<string, number>): LabelledEntry[] {
  const images = archive.names.filter((name) => /\.ppm$/i.test(name));
  const byFile = new Map(images.map((name) => [name.slice(name.lastIndexOf('/') + 1), name]));
  const unlisted = images.find((name) => !labels.has(name.slice(name.lastIndexOf('/') + 1)));
  if (unlisted !== undefined) throw wrong(path, `${unlisted} is not in the list of test images`);
  return [...labels].map(([file, label]) => {
    const name = byFile.get(file);
    if (name === undefined) throw wrong(path, `no image ${file}`);
    return { name, label };
  });
}

/** Lines `Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId` below a heading. */
async function readList(archive: ZipArchive, path: string, list: string, classes: number) {
  const text = (await archive.read(list, MAX_LIST_BYTES)).toString('utf8');
  const [heading = '', ...lines] = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  const titles = heading.split(';');
  const [fileAt, labelAt] = [titles.indexOf('Filename'), titles.indexOf('ClassId')];
  if (fileAt < 0 || labelAt < 0) throw wrong(path, `${list} has no columns Filename and ClassId`);
  if (lines.length === 0) throw wrong(path, `${list} is empty`);
  return lines.map((line, i) => {
    const cells = line.split(';');
    const [file, text] = [cells[fileAt] ?? '', cells[labelAt] ?? ''];
    const label = Number(text);
    if (!/^\d+$/.test(text) || label >= classes) {
      throw wrong(
        path,
        `${list}, line ${i + 2}: class "${text.slice(0, 20)}", there are the classes 0 to ${classes - 1}`,
      );
    }
    if (!/^[\w-]+\.ppm$/i.test(file)) throw wrong(path, `${list}, line ${i + 2}: "${file.slice(0, 40)}" is no image`);
    return { file, label };
  });
}

function wrong(path: string, what: string) {
  return inputError(`${path}: ${what}`, { hint: HINT });
}
