// What there is to check in an experiment: each trigger on each dataset before each preprocessing once, however many runs have it.
import { attackParameters, factorTitle, formatFactor } from '../analysis/factors.ts';
import { canonicalJson } from '../core/hash.ts';
import type { AttackSpec, PlannedRun, RunSpec } from '../spec/run-spec.ts';

/** A way from a dataset's images to a network's input, in evaluation and in training. */
export interface Stage {
  /** As the spec names it. */
  readonly dataset: string;
  readonly inputSize: number;
  /** Without `normalization`, which moves no pixel. */
  readonly preprocessing: RunSpec['preprocessing'];
  readonly augmentation: RunSpec['augmentation'];
  readonly settings: readonly Setting[];
}

/** A trigger at a stage. */
export interface Setting {
  /** `t1`, `t2`, …: in the order of the spec, within the experiment. */
  readonly id: string;
  readonly attack: AttackSpec;
  /** Poisoned runs that have it. */
  readonly runs: number;
  /** Of the first of them. */
  readonly seed: number;
}

/** The stages of an experiment's poisoned runs, in the order of the spec. */
export function stagesOf(runs: readonly PlannedRun[]): Stage[] {
  const stages = new Map<string, { stage: Omit<Stage, 'settings'>; settings: Map<string, Setting> }>();
  let count = 0;
  for (const { spec } of runs) {
    if (spec.attack.type === 'none') continue;
    const { dataset, inputSize, augmentation, attack, seed } = spec;
    const { normalization: _, ...chain } = spec.preprocessing ?? {};
    const preprocessing = Object.keys(chain).length > 0 ? chain : undefined;
    const stageKey = canonicalJson({ dataset, inputSize, preprocessing, augmentation });
    const found = stages.get(stageKey) ?? {
      stage: { dataset, inputSize, preprocessing, augmentation },
      settings: new Map(),
    };
    stages.set(stageKey, found);
    const key = canonicalJson(attack);
    const setting = found.settings.get(key) ?? { id: `t${++count}`, attack, runs: 0, seed };
    found.settings.set(key, { ...setting, runs: setting.runs + 1 });
  }
  return [...stages.values()].map(({ stage, settings }) => ({ ...stage, settings: [...settings.values()] }));
}

type Levels = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** Several attacks in words, as products where they make some: `badnets: size 4 % and 6 %, position top-left and top-right`. */
export function describeAttacks(attacks: readonly AttackSpec[], among: readonly AttackSpec[]): string[] {
  return describeParameters(attacks, among).map(({ type, words }) => (words === '' ? type : `${type}: ${words}`));
}

/**
 * The same, types and parameters apart. Parameters that are the same in all of `among` are left out, but for those a patch
 * is known by.
 */
export function describeParameters(
  attacks: readonly AttackSpec[],
  among: readonly AttackSpec[],
): { readonly type: string; readonly words: string }[] {
  const telling = tellingParameters(among);
  const products = attacks.map((attack): Levels => {
    const shown = attackParameters(attack).filter(([name]) => telling.has(name));
    const levels = shown.map(([name, value]): [string, Map<string, string>] => [
      name,
      new Map([[canonicalJson(value), formatFactor(name, value)]]),
    ]);
    return new Map([['type', new Map([[attack.type, attack.type]])], ...levels]);
  });
  return merged(products).map((levels) => {
    const words = [...levels].filter(([name]) => name !== 'type');
    const type = [...(levels.get('type')?.values() ?? [])].join();
    return {
      type,
      words: words.map(([name, values]) => `${factorTitle(name)} ${listed([...values.values()])}`).join(', '),
    };
  });
}

const ALWAYS_TOLD = ['size', 'position', 'color'];

function tellingParameters(attacks: readonly AttackSpec[]): Set<string> {
  const values = new Map<string, Set<string>>();
  for (const attack of attacks) {
    for (const [name, value] of attackParameters(attack)) {
      values.set(name, (values.get(name) ?? new Set()).add(`${attack.type} ${canonicalJson(value)}`));
    }
  }
  const types = new Set(attacks.map(({ type }) => type)).size;
  return new Set(
    [...values].filter(([name, found]) => found.size > types || ALWAYS_TOLD.includes(name)).map(([n]) => n),
  );
}

/** Puts products together that differ in the levels of one parameter only, until none do. */
function merged(products: readonly Levels[]): Levels[] {
  const rest = [...products];
  for (let i = 0; i < rest.length; i++) {
    for (let j = i + 1; j < rest.length; j++) {
      const joined = join(rest[i], rest[j]);
      if (!joined) continue;
      rest[i] = joined;
      rest.splice(j, 1);
      // What did not fit before may fit the larger product.
      i = -1;
      break;
    }
  }
  return rest;
}

function join(a: Levels, b: Levels): Levels | undefined {
  if (a.size !== b.size) return undefined;
  let different: string | undefined;
  for (const [name, levels] of a) {
    const others = b.get(name);
    if (!others) return undefined;
    if (levels.size === others.size && [...levels.keys()].every((key) => others.has(key))) continue;
    if (different !== undefined || name === 'type') return undefined;
    different = name;
  }
  if (different === undefined) return a;
  return new Map([...a, [different, new Map([...(a.get(different) ?? []), ...(b.get(different) ?? [])])]]);
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} and ${words[words.length - 1]}`;
}
