// Clean and backdoored classifiers, and how well a score tells one from the other, for the figures of docs/defenses.md.
import { wilson } from '../dist/analysis/intervals.js';
import { Rng } from '../dist/core/rng.js';

/** A backdoor that works: what does not is neither clean nor backdoored. */
const LEAST_ASR = 0.8;
const RESAMPLES = 2000;

/** Findings of clean classifiers, of backdoored ones, and of those whose backdoor is too weak to count. */
export function parted(all) {
  return {
    clean: all.filter(({ target }) => target === null),
    bad: all.filter(({ target, asr }) => target !== null && asr >= LEAST_ASR),
    weak: all.filter(({ target, asr }) => target !== null && asr < LEAST_ASR),
  };
}

/** All, then each dataset and each model: [name, whether a finding belongs to it]. */
export function groupsOf(all) {
  const names = {
    dataset: ({ dataset }) => JSON.stringify(dataset).replace(/["{}]/g, '').slice(0, 24),
    model: ({ model }) => model,
  };
  const groups = [['all', () => true]];
  for (const name of Object.values(names)) {
    for (const value of [...new Set(all.map(name))].sort()) groups.push([value, (one) => name(one) === value]);
  }
  return groups;
}

/** Hits among a list, with the 95 % Wilson interval, in per cent. */
export function share(list, test) {
  const hits = list.filter(test).length;
  if (list.length === 0) return '–';
  const { low, high } = wilson(hits / list.length, list.length);
  const percent = (value) => (100 * value).toFixed(0);
  return `${hits}/${list.length} = ${percent(hits / list.length)} % [${percent(low)}, ${percent(high)}]`;
}

/** Chance that a backdoored classifier has a larger score than a clean one, ties half; 95 % interval by bootstrap. */
export function areaUnderCurve(negative, positive) {
  const auc = (low, high) => {
    let wins = 0;
    for (const a of high) for (const b of low) wins += a > b ? 1 : a === b ? 0.5 : 0;
    return wins / (low.length * high.length);
  };
  const rng = Rng.of(0, 'auc');
  const drawn = (list) => Array.from(list, () => list[rng.int(0, list.length - 1)]);
  const found = Array.from({ length: RESAMPLES }, () => auc(drawn(negative), drawn(positive))).sort((a, b) => a - b);
  const at = (q) => found[Math.round(q * (RESAMPLES - 1))].toFixed(2);
  return `${auc(negative, positive).toFixed(2)} [${at(0.025)}, ${at(0.975)}]`;
}

/** Prints a row of a Markdown table. */
export function row(...cells) {
  process.stdout.write(`| ${cells.join(' | ')} |\n`);
}

/** Prints a Markdown table's heading. */
export function heading(...cells) {
  row(...cells);
  process.stdout.write(`|${'---|'.repeat(cells.length)}\n`);
}
