// A run as one flat object: the form in which `results --json`, CSV files, reports and `--where` see it.
import { datasetLabel, fileLabel, isFileReference, modelLabel } from '../core/references.ts';
import { modelOptionFields, neutralValues, SPARSE_GROUPS } from '../spec/neutral.ts';
import type { AttackSpec, DefenseSpec, RunSpec, TrainingSpec } from '../spec/run-spec.ts';
import { unsaidParameters } from '../triggers/registry.ts';
import type { DefenseRecord, RunEnvironment, RunMetrics, RunRecord, RunStatus } from './records.ts';

type Metrics = Omit<RunMetrics, 'epochs' | 'seconds' | 'imagesPerSecond'>;

/** One entry of `runs` in `results --json`. Metrics are null until the run is done. */
export type FlatRun = Omit<RunSpec, 'attack' | 'training' | 'defense'> &
  TrainingSpec & { readonly [Metric in keyof Metrics]: Metrics[Metric] | null } & {
    readonly runId: string;
    /** The experiment that was asked for, or the first one that holds the run; null for a run of none. */
    readonly experiment: string | null;
    readonly experiments: readonly string[];
    readonly attack: AttackSpec;
    /** Of defended runs alone. */
    readonly defense?: DefenseSpec;
    /** Of defended runs alone, null until the run is done: single figures by name, and what they cost. */
    readonly defenseMetrics?: DefenseRecord['metrics'] | null;
    readonly defenseCost?: DefenseRecord['cost'] | null;
    /** Of defended runs alone: the same run without the defence. */
    readonly baseId?: string | null;
    readonly status: RunStatus;
    readonly seconds: number | null;
    readonly imagesPerSecond: number | null;
    readonly twinId: string | null;
    readonly error: string | null;
    readonly startedAt: string | null;
    readonly finishedAt: string | null;
    /** Versions, threads and machine; null until the run is done. In JSON only. */
    readonly environment: RunEnvironment | null;
  };

/** Fields that are maps, whose members are columns. */
const NESTED = new Set<string>([...SPARSE_GROUPS, 'defense', 'defenseMetrics', 'defenseCost']);

/** Flattens a record; `experiment` is the name under which it was asked for. */
export function flattenRun(record: RunRecord, experiment?: string): FlatRun {
  const { training, defense, ...spec } = record.spec;
  const { type, ...parameters } = spec.attack;
  const { metrics } = record;
  return {
    runId: record.runId,
    experiment: experiment ?? record.experiments[0] ?? null,
    experiments: record.experiments,
    ...spec,
    dataset: datasetLabel(spec.dataset),
    model: modelLabel(spec.model),
    attack: { type, ...parameters },
    ...(defense && { defense }),
    ...training,
    status: record.status,
    cleanAccuracy: metrics?.cleanAccuracy ?? null,
    asr: metrics?.asr ?? null,
    asrInclusive: metrics?.asrInclusive ?? null,
    falseTriggerRate: metrics?.falseTriggerRate ?? null,
    cleanBaselineAccuracy: metrics?.cleanBaselineAccuracy ?? null,
    cad: metrics?.cad ?? null,
    naturalAsr: metrics?.naturalAsr ?? null,
    effectivePixels: metrics?.effectivePixels ?? null,
    stealthImages: metrics?.stealthImages ?? null,
    stealthLinf: metrics?.stealthLinf ?? null,
    stealthL2: metrics?.stealthL2 ?? null,
    stealthPsnr: metrics?.stealthPsnr ?? null,
    stealthSsim: metrics?.stealthSsim ?? null,
    stealthPerceptual: metrics?.stealthPerceptual ?? null,
    testImages: metrics?.testImages ?? null,
    attackedImages: metrics?.attackedImages ?? null,
    // What was trained rather than what was asked for, should the two ever differ.
    epochs: metrics?.epochs ?? training.epochs,
    epochLosses: metrics?.epochLosses ?? null,
    seconds: metrics?.seconds ?? null,
    imagesPerSecond: metrics?.imagesPerSecond ?? null,
    ...(defense && { defenseMetrics: record.defense?.metrics ?? null, defenseCost: record.defense?.cost ?? null }),
    twinId: record.twinId,
    ...(defense && { baseId: record.baseId }),
    error: record.error,
    startedAt: record.startedAt,
    finishedAt: record.finishedAt,
    environment: record.environment,
  };
}

/**
 * A flat run as named columns: `attack` is the trigger's type and its parameters stand beside it under their own names
 * (`size`, `position`, …), or as `attack.<name>` where a field of the run has that name. Fields that a run may leave out stand
 * under their paths (`preprocessing.resize`), as do options of the model (`model.dense`) and a defence's parameters and figures
 * (`defense.rate`, `defenseMetrics.prunedAsr`); `columnValue` knows them also where they are left out.
 */
export function columnsOf(run: FlatRun): Map<string, unknown> {
  const { type, ...parameters } = run.attack;
  const columns = new Map<string, unknown>();
  for (const [name, value] of Object.entries(run)) {
    if (name === 'environment') continue;
    if (name === 'defense') columns.set(name, run.defense?.type);
    if (NESTED.has(name)) {
      for (const [member, setting] of Object.entries(value ?? {}))
        if (`${name}.${member}` !== 'defense.type') columns.set(`${name}.${member}`, setting);
      continue;
    }
    // The one field of training that a run may leave out goes by its path, as others of its kind.
    const column = name === 'modeAfterFirstEpoch' ? `training.${name}` : name;
    columns.set(column, name === 'attack' ? type : value);
    if (name === 'model')
      for (const [option, set] of Object.entries(modelOptionFields(run.model))) columns.set(option, set);
    if (name !== 'attack') continue;
    for (const [parameter, setting] of Object.entries(parameters)) {
      columns.set(
        parameter in run ? `attack.${parameter}` : parameter,
        isFileReference(setting) ? fileLabel(setting) : setting,
      );
    }
  }
  return columns;
}

/** A run's value in a column: the neutral one of a field or parameter that the run leaves out. */
export function columnValue(columns: ReadonlyMap<string, unknown>, name: string): unknown {
  return columns.has(name) ? columns.get(name) : (neutralValues[name] ?? unsaidParameters(columns.get('attack'))[name]);
}

/** Every column that some of the runs have, in the order of the first runs that have them. */
export function columnNames(runs: readonly FlatRun[]): string[] {
  const names: string[] = [];
  const seen = new Set<string>();
  for (const run of runs) {
    let at = 0;
    for (const name of columnsOf(run).keys()) {
      if (seen.has(name)) at = names.indexOf(name) + 1;
      else {
        seen.add(name);
        names.splice(at++, 0, name);
      }
    }
  }
  return names;
}

/** A column's value as one text: empty for null, JSON for lists and objects. */
export function cellText(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
