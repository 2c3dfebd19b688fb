// The whole analysis of some observations: attribution per attack, claims, power, and what to know before believing it.
import type { RunRecord } from '../store/records.ts';
import { unpairedRuns } from './aggregate.ts';
import { type Attribution, attribute } from './attribution.ts';
import { type ClaimResult, type DefenceObservation, testClaims } from './claims/index.ts';
import { factorTitle, formatFactor, keyOf } from './factors.ts';
import { type Observation, observationsOf } from './observations.ts';
import { type PowerAnalysis, powerOf } from './power.ts';

export interface ScopedAttribution {
  /** `badnets`, or `all attacks` for what all have in common. */
  readonly scope: string;
  readonly asr: Attribution | null;
  readonly cad: Attribution | null;
}

export interface Analysis {
  readonly attributions: readonly ScopedAttribution[];
  readonly claims: readonly ClaimResult[];
  readonly power: readonly PowerAnalysis[];
  readonly notes: readonly string[];
}

/** Analyses the runs of an experiment: only those that are done count, the others are named in the notes. */
export function analyzeRuns(runs: readonly RunRecord[], defences: readonly DefenceObservation[] = []): Analysis {
  const missing = runs.filter((run) => run.status !== 'done').length;
  const unpaired = unpairedRuns(runs).length;
  return analyze(observationsOf(runs), defences, [
    ...(missing > 0
      ? [`${missing} of ${runs.length} runs are not done (failed, skipped or still to do) and left out.`]
      : []),
    ...(unpaired > 0
      ? [`${unpaired} runs do not go with their clean twin's accuracy: treat their CAD with care.`]
      : []),
  ]);
}

/** Analyses any observations; `notes` are passed on. */
export function analyze(
  observations: readonly Observation[],
  defences: readonly DefenceObservation[] = [],
  notes: readonly string[] = [],
): Analysis {
  return {
    attributions: attributions(observations),
    claims: testClaims({ attacks: observations, defences }),
    power: (['asr', 'cad'] as const).flatMap((response) => powerOf(observations, response) ?? []),
    notes: [...notes, ...setupNotes(observations)],
  };
}

function attributions(observations: readonly Observation[]): ScopedAttribution[] {
  const byAttack = new Map<string, Observation[]>();
  for (const one of observations) {
    const type = String(one.factors.attack);
    const own = byAttack.get(type);
    if (own) own.push(one);
    else byAttack.set(type, [one]);
  }
  const of = (scope: string, own: readonly Observation[], only?: readonly string[]): ScopedAttribution[] => {
    const [asr, cad] = [attribute(own, 'asr', only) ?? null, attribute(own, 'cad', only) ?? null];
    return asr || cad ? [{ scope, asr, cad }] : [];
  };
  const each = [...byAttack].flatMap(([type, own]) => of(type, own));
  if (byAttack.size < 2) return each;
  const common = Object.keys(observations[0].factors).filter((name) =>
    observations.every((one) => one.factors[name] !== null && one.factors[name] !== undefined),
  );
  return [...of('all attacks', observations, common), ...each];
}

/** Fields that set up the experiment rather than the trigger: where they vary, means over them say little. */
const SETUP = [
  'dataset',
  'init',
  'freeze',
  'inputSize',
  'optimizer',
  'learningRate',
  'momentum',
  'weightDecay',
  'epochs',
  'batchSize',
  'rounding',
  'stampAt',
];

function setupNotes(observations: readonly Observation[]): string[] {
  return SETUP.flatMap((name) => {
    const levels = new Map(observations.map(({ factors }) => [keyOf([factors[name]]), factors[name]]));
    if (levels.size < 2) return [];
    const shown = [...levels.values()].map((value) => formatFactor(name, value)).join(', ');
    return [`${factorTitle(name)} varies (${shown}) and is one of the factors: nothing is averaged over it unseen.`];
  });
}
