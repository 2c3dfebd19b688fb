// Which images of a folder belong to which split and class: told from their paths alone.
import { inputError } from '../core/errors.ts';
import type { DatasetOptions } from '../core/references.ts';
import { Rng } from '../core/rng.ts';
import { resolveClasses, selectRows } from './select.ts';
import { stratifiedSplit, testQuotas } from './stratify.ts';

export interface LabelledFile {
  /** Path inside the folder, `/` between its parts. */
  readonly path: string;
  /** Index into `classes`. */
  readonly label: number;
}

export interface FolderLayout {
  /** Names of the class folders in the order of their code units. */
  readonly classes: readonly string[];
  /** Class by class, within a class by path. */
  readonly train: readonly LabelledFile[];
  readonly test: readonly LabelledFile[];
}

const SPLITS: ReadonlyMap<string, 'train' | 'test' | 'val'> = new Map([
  ['train', 'train'],
  ['test', 'test'],
  ['val', 'val'],
  ['valid', 'val'],
  ['validation', 'val'],
]);
const TEST_SHARE = 0.2;
const MAX_CLASSES = 10_000;
const LAYOUT =
  'An image folder has train/<class>/ and test/<class>/ (or val/<class>/) with the images in them, or only <class>/, which is then split 80 : 20.';

/**
 * Reads the layout of a folder `where` from the paths of its images. A single folder around everything is left out. With
 * `test/` and `val/` both there, `test/` is used; `seed` decides how a folder without splits is split.
 * @throws TriggerlabError (input) that names the file or folder which does not fit.
 */
export function folderLayout(where: string, paths: readonly string[], seed = 0): FolderLayout {
  const wrong = (message: string) => inputError(`${where}: ${message}`, { hint: LAYOUT });
  if (paths.length === 0) throw wrong('no images in it');
  const sorted = [...paths].sort((a, b) => (a < b ? -1 : 1));
  const parts = inner(sorted.map((path) => path.split('/')));
  const isSplit = parts.some((part) => part.length === 3 && splitOf(part[0]) !== undefined);
  const depth = isSplit ? 3 : 2;
  const odd = parts.findIndex((part) => part.length !== depth || (isSplit && splitOf(part[0]) === undefined));
  if (odd >= 0) throw wrong(`${sorted[odd]} is in no class folder of a split`);
  const files = sorted.map((path, i) => ({ path, split: isSplit ? splitOf(parts[i][0]) : 'train' }));
  const names = parts.map((part) => part[depth - 2]);
  const classes = [...new Set(names)].sort((a, b) => (a < b ? -1 : 1));
  if (classes.length < 2) throw wrong(`one class only: ${classes[0]}`);
  if (classes.length > MAX_CLASSES) throw wrong(`${classes.length} classes, at most ${MAX_CLASSES} are read`);
  const index = new Map(classes.map((name, label) => [name, label]));
  const byClass = (split: string): LabelledFile[][] => {
    const lists = classes.map((): LabelledFile[] => []);
    for (const [i, file] of files.entries()) {
      const label = index.get(names[i]);
      if (label !== undefined && file.split === split) lists[label].push({ path: file.path, label });
    }
    return lists;
  };
  if (!isSplit) return ownSplit(classes, byClass('train'), seed, wrong);
  const split = files.some((file) => file.split === 'test') ? 'test' : 'val';
  const [train, test] = [byClass('train'), byClass(split)];
  if (train.every((list) => list.length === 0)) throw wrong('no train/ beside test/ or val/');
  if (test.every((list) => list.length === 0)) throw wrong('no test/ or val/ beside train/');
  for (const [name, lists] of [['train', train] as const, [split, test] as const]) {
    const empty = lists.findIndex((list) => list.length === 0);
    if (empty >= 0) throw wrong(`no images of the class ${classes[empty]} in ${name}/`);
  }
  return { classes, train: train.flat(), test: test.flat() };
}

function splitOf(folder: string): 'train' | 'test' | 'val' | undefined {
  return SPLITS.get(folder.toLowerCase());
}

/** Paths without the one folder that all of them lie in, unless that is a split or the only class. */
function inner(parts: readonly string[][]): readonly string[][] {
  const top = parts[0][0];
  const common = parts.every((part) => part.length >= 3 && part[0] === top);
  return common && splitOf(top) === undefined ? parts.map((part) => part.slice(1)) : parts;
}

function ownSplit(
  classes: readonly string[],
  lists: readonly LabelledFile[][],
  seed: number,
  wrong: (message: string) => Error,
): FolderLayout {
  const files = lists.flat();
  const sizes = lists.map((list) => list.length);
  const testCount = Math.round(TEST_SHARE * files.length);
  const bare = testQuotas(sizes, testCount).findIndex((quota, c) => quota === 0 || quota === sizes[c]);
  if (bare >= 0) throw wrong(`the class ${classes[bare]} has too few images to be split: ${sizes[bare]}`);
  const rows = stratifiedSplit(sizes, testCount, Rng.of(seed, 'image-folder', 'split'));
  const pick = (chosen: Int32Array) => Array.from(chosen.sort(), (row) => files[row]);
  return { classes, train: pick(rows.train), test: pick(rows.test) };
}

/**
 * The files that the options choose, as `selectRows` says. Order as in the whole.
 * @throws TriggerlabError (input) when more are wanted than there are, or a class would have none.
 */
export function chooseFiles(where: string, layout: FolderLayout, options: DatasetOptions): FolderLayout {
  const kept = resolveClasses(where, layout.classes, options.classes);
  const choose = (split: 'train' | 'test') => {
    const labels = layout[split].map(({ label }) => label);
    const rows = selectRows(where, labels, layout.classes, kept, split, options);
    return Array.from(rows, (row) => ({ ...layout[split][row], label: kept.indexOf(labels[row]) }));
  };
  return { classes: kept.map((label) => layout.classes[label]), train: choose('train'), test: choose('test') };
}
