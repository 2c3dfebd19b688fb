// Slopes and differences within a seed, other factors held fixed.
import { designOf } from '../design.ts';
import { keyOf } from '../factors.ts';
import { coefficients } from '../least-squares.ts';
import { empiricalLogit, type Observation } from '../observations.ts';

export type Measure = (one: Observation) => number | undefined;

export const logitAsr: Measure = (one) => (one.asr === null ? undefined : empiricalLogit(one.asr, one.attackedImages));
export const shareAsr: Measure = (one) => one.asr ?? undefined;
export const accuracyDrop: Measure = (one) => one.cad ?? undefined;

/**
 * Coefficients of a least squares fit of `y` on some numbers of each observation, all other factors that vary taken out
 * as main effects (`numeric` names the factors that the numbers stand for). Undefined where a number does not vary by itself.
 */
export function slopes(
  observations: readonly Observation[],
  y: Measure,
  numbers: readonly ((one: Observation) => number)[],
  numeric: readonly string[],
): number[] | undefined {
  const design = designOf(observations, y);
  if (design.y.length < numbers.length + 2) return undefined;
  const others = design.factors.filter((factor) => !numeric.includes(factor.name));
  const width = 1 + others.reduce((sum, factor) => sum + factor.levels.length - 1, 0) + numbers.length;
  const size = width + 1;
  const values = new Float64Array(size * size);
  const row = new Float64Array(size);
  for (const [at, one] of design.observations.entries()) {
    row.fill(0);
    row[0] = 1;
    let place = 1;
    for (const { codes, levels } of others) {
      if (codes[at] > 0) row[place + codes[at] - 1] = 1;
      place += levels.length - 1;
    }
    for (const [i, number] of numbers.entries()) row[place + i] = number(one);
    row[width] = design.y[at];
    for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) values[i * size + j] += row[i] * row[j];
  }
  const found = coefficients(
    { size, values },
    Array.from({ length: width }, (_, at) => at),
  );
  const wanted = Array.from(found.subarray(width - numbers.length));
  return wanted.every((value) => value !== 0) ? wanted : undefined;
}

export const log2Of =
  (name: string) =>
  (one: Observation): number =>
    Math.log2(Number(one.factors[name]));

/**
 * Mean of `y` over observations of `first` minus that of `second`, over pairs that agree in every other factor than
 * `name`. Undefined without a pair.
 */
export function pairedDifference(
  observations: readonly Observation[],
  name: string,
  first: (one: Observation) => boolean,
  second: (one: Observation) => boolean,
  y: Measure,
): number | undefined {
  const cells = new Map<string, { first: number[]; second: number[] }>();
  for (const one of observations) {
    const value = y(one);
    const side = first(one) ? 'first' : second(one) ? 'second' : undefined;
    if (value === undefined || side === undefined) continue;
    const key = restOf(one, name);
    const cell = cells.get(key) ?? { first: [], second: [] };
    cell[side].push(value);
    cells.set(key, cell);
  }
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const differences = [...cells.values()].flatMap((cell) =>
    cell.first.length > 0 && cell.second.length > 0 ? [mean(cell.first) - mean(cell.second)] : [],
  );
  return differences.length === 0 ? undefined : mean(differences);
}

/** What an observation is besides one factor; remembered, as the same pairs are looked for many times. */
function restOf(one: Observation, name: string): string {
  const known = rests.get(one.factors) ?? new Map<string, string>();
  rests.set(one.factors, known);
  let key = known.get(name);
  if (key === undefined) {
    const rest = Object.keys(one.factors).filter((other) => other !== name);
    key = keyOf(rest.sort().flatMap((other) => [other, one.factors[other]]));
    known.set(name, key);
  }
  return key;
}
const rests = new WeakMap<object, Map<string, string>>();

export function hasValue(name: string, value: unknown): (one: Observation) => boolean {
  const wanted = keyOf([value]);
  return (one) => keyOf([one.factors[name]]) === wanted;
}
