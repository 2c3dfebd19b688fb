// Which training rows an attack changes, how, and with what label: poisoning in place, so that the number of images stays.
import { inputError } from '../core/errors.ts';
import { Rng } from '../core/rng.ts';
import type { LabelRule } from '../triggers/label-rule.ts';

/**
 * What happens to a row: `attack` (trigger, label of the rule), `cover` (trigger, its own label), `noise` (the trigger's noise
 * form, its own label: WaNet).
 */
export type PoisonMode = 'attack' | 'cover' | 'noise';

/** One changed row. */
export interface Stamp {
  readonly row: number;
  readonly mode: PoisonMode;
  /** Its label from now on; default: its own. */
  readonly label?: number | undefined;
  /** The row whose pixels are triggered and written here; default: its own. */
  readonly pixelsOf?: number | undefined;
}

export interface PoisonOptions {
  readonly rule: LabelRule;
  /** Share of all training images that are attacked, in [0, 1]; above 0 at least one is. */
  readonly rate: number;
  /** Share of all training images, of classes on which the trigger should do nothing, that carry it with their own label. */
  readonly coverRate?: number | undefined;
  /** How many noise images there are for each attacked one. Default 0. */
  readonly noisePerAttack?: number | undefined;
  /**
   * Whose pixels a noise image has: its own (default), or those of another row, whose label it does not get: the k-th noise row
   * has the pixels of row n + k of the training set, n the number of attacked rows.
   */
  readonly noisePixels?: 'own' | 'others' | undefined;
  readonly seed: number;
}

/**
 * Chooses the rows that are changed. Attacked rows are the first that the rule allows of one seeded order, so that a smaller
 * rate's rows are among a larger rate's; noise rows are taken from the end of that order.
 * @throws TriggerlabError (input) where there are too few images for a rate.
 */
export function choosePoison(labels: ArrayLike<number>, options: PoisonOptions): Stamp[] {
  const { rule, rate, coverRate = 0, noisePerAttack = 0, noisePixels = 'own', seed } = options;
  const count = labels.length;
  const order = Rng.of(seed, 'poisoned-rows').permutation(count);
  const attacked = firstOf(
    order.filter((row) => rule.poisons(labels[row])),
    { field: 'poisonRate', share: rate, count, of: rule.poisonable },
  );
  const covers = firstOf(
    order.filter((row) => rule.goal(labels[row]) === undefined),
    { field: 'coverRate', share: coverRate, count, of: 'classes that the attack leaves alone' },
  );
  const taken = new Set([...attacked, ...covers]);
  const noiseCount = Math.round(noisePerAttack * attacked.length);
  if (taken.size + noiseCount > count) {
    throw inputError(
      `poisonRate ${rate} with ${noisePerAttack} noise images for each poisoned one changes ${taken.size + noiseCount} images, but there are ${count}`,
      { hint: `Take at most ${floorShare((count - covers.length) / (1 + noisePerAttack), count)}.` },
    );
  }
  const noise = order
    .reverse()
    .filter((row) => !taken.has(row))
    .slice(0, noiseCount);
  return [
    ...Array.from(attacked, (row): Stamp => ({ row, mode: 'attack', label: rule.goal(labels[row]) })),
    ...Array.from(covers, (row): Stamp => ({ row, mode: 'cover' })),
    ...Array.from(noise, (row, k): Stamp => {
      return noisePixels === 'own'
        ? { row, mode: 'noise' }
        : { row, mode: 'noise', pixelsOf: (attacked.length + k) % count };
    }),
  ];
}

/**
 * The rows of one batch that are changed, as WaNet's authors do it: of its first rows whose class the rule allows a share of the
 * batch is attacked, rounded down; then come covers and, of the first rows that are left, the noise images.
 */
export function choosePoisonOfBatch(
  rows: ArrayLike<number>,
  labels: ArrayLike<number>,
  { rule, rate, coverRate = 0, noisePerAttack = 0 }: PoisonOptions,
): Stamp[] {
  const batch = Array.from(rows);
  const first = (share: number, fits: (label: number) => boolean) =>
    batch.filter((row) => fits(labels[row])).slice(0, Math.floor(share * batch.length));
  const attacked = first(rate, rule.poisons);
  const covers = first(coverRate, (label) => rule.goal(label) === undefined);
  const taken = new Set([...attacked, ...covers]);
  const noise = batch.filter((row) => !taken.has(row)).slice(0, Math.floor(noisePerAttack * attacked.length));
  return [
    ...attacked.map((row): Stamp => ({ row, mode: 'attack', label: rule.goal(labels[row]) })),
    ...covers.map((row): Stamp => ({ row, mode: 'cover' })),
    ...noise.map((row): Stamp => ({ row, mode: 'noise' })),
  ];
}

/** The first rows of a list: a share of all `count` images, at least one above 0. */
function firstOf(
  rows: Int32Array,
  { field, share, count, of }: { field: string; share: number; count: number; of: string },
): Int32Array {
  const wanted = share > 0 ? Math.max(1, Math.round(share * count)) : 0;
  if (wanted > rows.length) {
    throw inputError(
      `${field} ${share} asks for ${wanted} of the ${count} training images, but only ${rows.length} are of ${of}`,
      {
        hint:
          rows.length > 0
            ? `The rate is a share of all training images: take at most ${floorShare(rows.length, count)}.`
            : 'Name other classes.',
      },
    );
  }
  return rows.slice(0, wanted);
}

/** A share that asks for no more than `images` of `count`, rounded down to four digits. */
function floorShare(images: number, count: number): number {
  return Math.floor((1e4 * images) / count) / 1e4;
}
