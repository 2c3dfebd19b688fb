// Which rows and classes of a dataset its options take: stratified, seeded, and the same whatever the images are.
import { inputError } from '../core/errors.ts';
import type { DatasetOptions } from '../core/references.ts';
import { Rng } from '../core/rng.ts';
import { didYouMean } from '../core/suggest.ts';
import { countLabels } from './dataset.ts';
import { testQuotas } from './stratify.ts';

/**
 * Numbers of the classes that `classes=` keeps, in ascending order. Each is given by its name or, where no class has that
 * name, by its number from 0.
 * @throws TriggerlabError (input) for a class that there is not, or is named twice.
 */
export function resolveClasses(
  where: string,
  names: readonly string[],
  wanted: readonly string[] | undefined,
): readonly number[] {
  if (wanted === undefined) return names.map((_, label) => label);
  const labels = wanted.map((text) => {
    const named = names.indexOf(text);
    if (named >= 0) return named;
    if (/^\d+$/.test(text) && Number(text) < names.length) return Number(text);
    const known = names.length > 20 ? [...names.slice(0, 20), '…'] : names;
    throw inputError(`${where}: there is no class "${text}"`, {
      hint: /^\d+$/.test(text) ? `Classes are counted from 0 to ${names.length - 1}.` : didYouMean(text, known),
    });
  });
  if (new Set(labels).size !== labels.length) {
    throw inputError(`${where}: classes ${wanted.join(', ')} name one class twice`, { hint: 'Keep one of the two.' });
  }
  return labels.sort((a, b) => a - b);
}

/**
 * How many rows of each class of `kept` a split keeps. `sizes` are those of all classes.
 * @throws TriggerlabError (input) when more are wanted than there are, or a class would have none.
 */
export function selectQuotas(
  where: string,
  sizes: readonly number[],
  names: readonly string[],
  kept: readonly number[],
  split: 'train' | 'test',
  options: DatasetOptions,
): readonly number[] {
  const own = kept.map((label) => sizes[label]);
  const exact = options[split];
  const { limit, perClass } = options;
  if (exact === undefined && perClass !== undefined) return own.map((size) => Math.min(size, perClass));
  const there = own.reduce((sum, size) => sum + size, 0);
  if (exact !== undefined && exact > there) {
    throw inputError(`${where}: ${split}=${exact}, but there are ${there} ${split} images`, {
      hint: `Take ${there} or fewer, or leave ${split}= out for all of them.`,
    });
  }
  const wanted = exact ?? (limit === undefined ? there : Math.min(limit, there));
  const quotas = testQuotas(own, wanted);
  const bare = quotas.findIndex((quota, i) => quota === 0 && own[i] > 0);
  if (bare >= 0) {
    const said = exact === undefined ? `limit=${limit}` : `${split}=${exact}`;
    throw inputError(`${where}: ${said} leaves no image of the class ${names[kept[bare]]}`, {
      hint: `Take more; there are ${kept.length} classes.`,
    });
  }
  return quotas;
}

/**
 * The rows of a split that the options take, in ascending order: class shares as in the whole, in each class the first of
 * one random order, so that a smaller choice lies within a larger one (but for rounding), and a class gives the same
 * images whichever others are kept.
 * @throws TriggerlabError (input) as `selectQuotas`.
 */
export function selectRows(
  where: string,
  labels: ArrayLike<number>,
  names: readonly string[],
  kept: readonly number[],
  split: 'train' | 'test',
  options: DatasetOptions,
): Int32Array {
  const sizes = countLabels(labels, names.length);
  const quotas = selectQuotas(where, sizes, names, kept, split, options);
  const rows = names.map((): number[] => []);
  for (let row = 0; row < labels.length; row++) rows[labels[row]].push(row);
  // Folders were the first to be chosen from; the stream keeps its name so that choices stay what they were.
  const rng = Rng.of(options.seed ?? 0, 'image-folder', split);
  const chosen = kept.flatMap((label, i) => {
    if (quotas[i] === sizes[label]) return rows[label];
    const order = rng.fork(label).permutation(sizes[label]);
    return Array.from(order.subarray(0, quotas[i]), (at) => rows[label][at]);
  });
  return Int32Array.from(chosen).sort();
}
