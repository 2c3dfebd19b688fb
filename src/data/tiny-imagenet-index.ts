// Which files of a Tiny ImageNet archive are which rows: classes, training files and labelled validation files.
import { inputError } from '../core/errors.ts';
import type { ZipArchive } from '../core/zip.ts';

export interface TinyImageNetFile {
  readonly name: string;
  /** Index into `classes`. */
  readonly label: number;
}

export interface TinyImageNetIndex {
  /** WordNet ids in ascending order: wnids.txt of the official archive has another one than most programs use. */
  readonly classes: readonly string[];
  readonly train: readonly TinyImageNetFile[];
  readonly test: readonly TinyImageNetFile[];
}

const MAX_TEXT_BYTES = 8_000_000;
const LAYOUT =
  'Give the archive as published (tiny-imagenet-200.zip): wnids.txt, train/<wnid>/images/*.JPEG, val/images/*.JPEG and val/val_annotations.txt, all in one folder.';

/**
 * The rows of an archive; of the training images of each class the first `trainPerClass` by number (all by default).
 * @throws TriggerlabError (input) when the layout is another, or a class has fewer training images than asked for.
 */
export async function tinyImageNetIndex(
  archive: ZipArchive,
  zipPath: string,
  trainPerClass?: number,
): Promise<TinyImageNetIndex> {
  if (trainPerClass !== undefined && !(Number.isSafeInteger(trainPerClass) && trainPerClass >= 1)) {
    throw inputError(`training images per class: ${trainPerClass}, expected a whole number from 1 on`);
  }
  const wrong = (message: string) => inputError(`${zipPath}: ${message}`, { hint: LAYOUT });
  const lists = archive.names.filter((name) => /^([^/]+\/)?wnids\.txt$/.test(name));
  if (lists.length !== 1) throw wrong(lists.length === 0 ? 'no wnids.txt' : `several lists: ${lists.join(', ')}`);
  const top = lists[0].slice(0, -'wnids.txt'.length);

  const classes = lines(await archive.read(lists[0], MAX_TEXT_BYTES)).sort();
  const labels = new Map(classes.map((wnid, label) => [wnid, label]));
  const odd = classes.find((wnid) => !/^n\d{8}$/.test(wnid));
  if (odd !== undefined) throw wrong(`wnids.txt: "${odd.slice(0, 40)}" is no WordNet id such as n01443537`);
  if (labels.size !== classes.length) throw wrong('wnids.txt names a class twice');
  if (classes.length < 2 || classes.length > 1000)
    throw wrong(`wnids.txt: ${classes.length} classes, 2 to 1000 expected`);

  const byClass = trainFiles(archive.names, `${top}train/`);
  const train = classes.flatMap((wnid, label) => {
    const names = byClass.get(wnid) ?? [];
    if (names.length === 0) throw wrong(`no images in ${top}train/${wnid}/images/`);
    if (names.length < (trainPerClass ?? 0)) {
      throw inputError(
        `${zipPath}: class ${wnid} has ${names.length} training images, ${trainPerClass} were asked for`,
        {
          hint: `Ask for ${names.length} per class or fewer, or give the whole archive.`,
        },
      );
    }
    return names.slice(0, trainPerClass).map((name) => ({ name, label }));
  });

  const annotations = `${top}val/val_annotations.txt`;
  if (!archive.names.includes(annotations)) throw wrong(`no ${annotations}`);
  const known = new Set(archive.names);
  const test = lines(await archive.read(annotations, MAX_TEXT_BYTES)).map((line, i) => {
    const [file, wnid] = line.split('\t');
    const name = `${top}val/images/${file}`;
    const label = labels.get(wnid ?? '');
    if (label === undefined) throw wrong(`val_annotations.txt, line ${i + 1}: no class of wnids.txt`);
    // Taken once only: an image named twice would count twice.
    if (!known.delete(name)) throw wrong(`val_annotations.txt, line ${i + 1}: no image ${name}, or named before`);
    return { name, label };
  });
  if (test.length === 0) throw wrong('val_annotations.txt is empty');
  return { classes, train, test };
}

/** Names of the training images of each class, by number: names of one class differ in their digits only. */
function trainFiles(names: readonly string[], folder: string): Map<string, string[]> {
  const byClass = new Map<string, string[]>();
  for (const name of names) {
    if (!name.startsWith(folder)) continue;
    const wnid = /^(n\d{8})\/images\/[^/]+\.JPEG$/.exec(name.slice(folder.length))?.[1];
    if (wnid === undefined) continue;
    const files = byClass.get(wnid);
    if (files) files.push(name);
    else byClass.set(wnid, [name]);
  }
  for (const files of byClass.values()) files.sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  return byClass;
}

function lines(content: Buffer): string[] {
  return content
    .toString('utf8')
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '');
}
