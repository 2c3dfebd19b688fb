// What the analysis works on: measured runs of ours, or rows of published results, as factors and responses.
import type { RunRecord } from '../store/records.ts';
import { type FactorValue, factorsOf, isClean, isDefended, keyOf } from './factors.ts';

/** One measured attack. Shares are in [0, 1]; null where something was not measured. */
export interface Observation {
  /** A run id, or where a published figure stands. */
  readonly id: string;
  /** Observations of one block share a seed: initialisation and poisoned rows. */
  readonly block: string;
  /** Names and values as `factorsOf` gives them, the seed left out. */
  readonly factors: Readonly<Record<string, FactorValue>>;
  readonly asr: number | null;
  /** Clean accuracy of the clean twin minus that of the attacked model. */
  readonly cad: number | null;
  readonly cleanAccuracy: number | null;
  /** Triggered images behind `asr`. */
  readonly attackedImages: number | null;
}

/**
 * The attacked runs that are done, in the order given. Runs that failed or are still to do are not observations, nor are runs under
 * a defence: what an attack achieves is measured without one.
 */
export function observationsOf(runs: readonly RunRecord[]): Observation[] {
  return runs.flatMap((run) => {
    if (run.status !== 'done' || !run.metrics || isClean(run.spec) || isDefended(run.spec)) return [];
    const { seed, ...factors } = factorsOf(run.spec);
    const { asr, cad, cleanAccuracy, attackedImages } = run.metrics;
    return [{ id: run.runId, block: String(seed), factors, asr, cad, cleanAccuracy, attackedImages }];
  });
}

/**
 * A number that tells settings apart: equal for observations that agree in every factor, or in every other factor than one.
 * Remembered, as the same pairs are looked for many times.
 */
export function settingOf({ factors }: Observation, without = ''): number {
  let known = settings.get(factors);
  if (!known) {
    const names = Object.keys(factors).sort();
    known = { parts: names.map((name) => ({ name, label: keyOf([name, factors[name]]) })), numbers: new Map() };
    settings.set(factors, known);
  }
  let number = known.numbers.get(without);
  if (number === undefined) {
    let text = '';
    for (const part of known.parts) if (part.name !== without) text += part.label;
    number = numbered.get(text) ?? numbered.size;
    numbered.set(text, number);
    known.numbers.set(without, number);
  }
  return number;
}
const settings = new WeakMap<
  object,
  {
    readonly parts: readonly { readonly name: string; readonly label: string }[];
    readonly numbers: Map<string, number>;
  }
>();
const numbered = new Map<string, number>();

export type ResponseName = 'asr' | 'cad';

/** Where the number of images is unknown, a share counts as measured on so many. */
const UNKNOWN_IMAGES = 1000;

/**
 * What is analysed. ASR: its empirical logit ln((k + ½)/(n − k + ½)) with k of n triggered images hit, which is finite
 * at 0 and 1 (J. B. S. Haldane, Ann. Hum. Genet. 20 (1956) 309-311; D. R. Cox, Analysis of Binary Data, 1970). CAD: as it is.
 */
export function responseOf(observation: Observation, name: ResponseName): number | undefined {
  if (name === 'cad') return observation.cad ?? undefined;
  return observation.asr === null ? undefined : empiricalLogit(observation.asr, observation.attackedImages);
}

export function empiricalLogit(share: number, images: number | null): number {
  const n = images ?? UNKNOWN_IMAGES;
  const hits = share * n;
  return Math.log((hits + 0.5) / (n - hits + 0.5));
}
