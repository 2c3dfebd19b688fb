// Observations as a design: coded factors, blocks and a response, with what could not be told apart left out and named.
import { compareFactor, type FactorValue, keyOf, sameValue } from './factors.ts';
import { type Observation, type ResponseName, responseOf } from './observations.ts';

export interface DesignFactor {
  readonly name: string;
  readonly levels: readonly FactorValue[];
  /** The level of each observation, as a place in `levels`. */
  readonly codes: Int32Array;
}

export interface Design {
  readonly factors: readonly DesignFactor[];
  /** Block names, and the block of each observation as a place among them. */
  readonly blocks: readonly string[];
  readonly blockOf: Int32Array;
  readonly y: Float64Array;
  readonly observations: readonly Observation[];
  /** Factors that part the observations exactly as another one does: their effects cannot be told apart. */
  readonly aliases: readonly { readonly name: string; readonly of: string }[];
  /** Observations left out because they lack the response or one of the factors. */
  readonly leftOut: number;
}

/**
 * The design over all factors that vary (or over those named). A factor that some observations do not have is left to
 * those that do: analyse attacks one by one.
 */
export function designOf(
  observations: readonly Observation[],
  response: ResponseName | ((one: Observation) => number | undefined),
  only?: readonly string[],
): Design {
  const measure = typeof response === 'function' ? response : (one: Observation) => responseOf(one, response);
  const names = (only ?? varyingNames(observations)).filter((name) => observations.some((one) => has(one, name)));
  const kept = observations.filter((one) => measure(one) !== undefined && names.every((name) => has(one, name)));
  const factors: DesignFactor[] = [];
  const aliases: { name: string; of: string }[] = [];
  for (const name of names) {
    const factor = coded(name, kept);
    if (factor.levels.length < 2) continue;
    const same = factors.find((other) => alike(factor, other));
    if (same) aliases.push({ name, of: same.name });
    else factors.push(factor);
  }
  const blocks = [...new Set(kept.map((one) => one.block))].sort(byNumber);
  const place = new Map(blocks.map((block, at) => [block, at]));
  return {
    factors,
    blocks,
    blockOf: Int32Array.from(kept, (one) => place.get(one.block) ?? 0),
    y: Float64Array.from(kept, (one) => measure(one) ?? Number.NaN),
    observations: kept,
    aliases,
    leftOut: observations.length - kept.length,
  };
}

function has(one: Observation, name: string): boolean {
  return one.factors[name] !== null && one.factors[name] !== undefined;
}

/** Names of factors with two or more values, in first-seen order. */
export function varyingNames(observations: readonly Observation[]): string[] {
  const first = new Map<string, FactorValue>();
  const varying = new Set<string>();
  for (const { factors } of observations) {
    for (const name in factors) {
      const value = factors[name];
      if (value === null || value === undefined || varying.has(name)) continue;
      const before = first.get(name);
      if (before === undefined) first.set(name, value);
      else if (!sameValue(before, value)) varying.add(name);
    }
  }
  return [...first.keys()].filter((name) => varying.has(name));
}

function coded(name: string, observations: readonly Observation[]): DesignFactor {
  const levels = new Map<string, FactorValue>();
  let [last, lastKey]: [FactorValue, string] = [undefined, ''];
  const keys = observations.map((one) => {
    const value = one.factors[name];
    if (value === last) return lastKey;
    const key = keyOf([value]);
    if (!levels.has(key)) levels.set(key, value);
    [last, lastKey] = [value, key];
    return key;
  });
  const sorted = [...levels].sort(([, a], [, b]) => compareFactor(a, b));
  const place = new Map(sorted.map(([key], at) => [key, at]));
  return {
    name,
    levels: sorted.map(([, value]) => value),
    codes: Int32Array.from(keys, (key) => place.get(key) ?? 0),
  };
}

/** Whether two factors part the observations in the same way: their levels go together one to one. */
function alike(one: DesignFactor, other: DesignFactor): boolean {
  if (one.levels.length !== other.levels.length) return false;
  const partner = new Int32Array(one.levels.length).fill(-1);
  return one.codes.every((code, row) => {
    if (partner[code] < 0) partner[code] = other.codes[row];
    return partner[code] === other.codes[row];
  });
}

function byNumber(a: string, b: string): number {
  return Number(a) - Number(b) || (a < b ? -1 : a > b ? 1 : 0);
}
