// Observations as a design: coded factors, blocks and a response, with what could not be told apart left out and named.
import { compareFactor, type FactorValue, keyOf } from './factors.ts';
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
  const seen = new Map<string, string>();
  for (const name of names) {
    const factor = coded(name, kept);
    if (factor.levels.length < 2) continue;
    const partition = partitionOf(factor.codes);
    const same = seen.get(partition);
    if (same !== undefined) aliases.push({ name, of: same });
    else {
      seen.set(partition, name);
      factors.push(factor);
    }
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
  const values = new Map<string, Set<string>>();
  for (const { factors } of observations) {
    for (const [name, value] of Object.entries(factors)) {
      if (value === null || value === undefined) continue;
      const seen = values.get(name) ?? new Set();
      seen.add(keyOf([value]));
      values.set(name, seen);
    }
  }
  return [...values].filter(([, seen]) => seen.size > 1).map(([name]) => name);
}

function coded(name: string, observations: readonly Observation[]): DesignFactor {
  const levels = new Map<string, FactorValue>();
  const keys = observations.map((one) => {
    const value = one.factors[name];
    const key = keyOf([value]);
    if (!levels.has(key)) levels.set(key, value);
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

/** Equal for codes that part the observations in the same way. */
function partitionOf(codes: Int32Array): string {
  const renamed = new Map<number, number>();
  return Array.from(codes, (code) => {
    if (!renamed.has(code)) renamed.set(code, renamed.size);
    return renamed.get(code);
  }).join(' ');
}

function byNumber(a: string, b: string): number {
  return Number(a) - Number(b) || (a < b ? -1 : a > b ? 1 : 0);
}
