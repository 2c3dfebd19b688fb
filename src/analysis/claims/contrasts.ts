// Slopes and differences within a seed, other factors held fixed.
import { designOf } from '../design.ts';
import { sameValue } from '../factors.ts';
import { coefficients } from '../least-squares.ts';
import { empiricalLogit, type Observation, settingOf } from '../observations.ts';

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
  const cells = new Map<number, { first: number[]; second: number[] }>();
  for (const one of observations) {
    const value = y(one);
    const side = first(one) ? 'first' : second(one) ? 'second' : undefined;
    if (value === undefined || side === undefined) continue;
    const key = settingOf(one, name);
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

export function hasValue(name: string, value: unknown): (one: Observation) => boolean {
  return (one) => sameValue(one.factors[name] ?? null, value ?? null);
}
