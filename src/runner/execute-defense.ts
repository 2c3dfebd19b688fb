// One defended run: its base's network and data are made ready, the defence does its work, what is left of the attack is measured.
import { type Dataset, everyRow } from '../data/dataset.ts';
import type { Classifier, DefenseResult, DefenseSubject, Finding, PoisonedTraining } from '../defenses/defense.ts';
import { defenses } from '../defenses/registry.ts';
import { accuracy } from '../metrics/accuracy.ts';
import { decodeSafetensors, encodeSafetensors } from '../models/weights/safetensors.ts';
import type { Runtime } from '../runtime/node.ts';
import { baseOf } from '../spec/expand.ts';
import type { RunSpec } from '../spec/run-spec.ts';
import type { RunMetrics } from '../store/records.ts';
import type { Stamp } from '../train/poison.ts';
import { predict } from '../train/predict.ts';
import { type BoundRun, bindRun } from './bind-run.ts';
import type { ExecutedRun } from './execute-run.ts';
import { poisonedTraining, stampsOf } from './run-poison.ts';
import { triggeredTest } from './triggered-test.ts';
import type { FinishedRun } from './twins.ts';

export interface DefenseRunWatch {
  /** Told the share done, in [0, 1]. */
  readonly onProgress?: (share: number) => void;
  /** @throws TrainingStopped when the run is to be given up. */
  readonly checkStop?: () => void;
}

/**
 * Does a run that has a defence. Same spec, same base, same machine, same thread count: same bits.
 * @throws TriggerlabError for what cannot be run (input) or went wrong while it ran (failed); TrainingStopped as `checkStop` does.
 */
export async function executeDefense(
  runtime: Runtime,
  spec: RunSpec,
  base: FinishedRun,
  { onProgress = () => {}, checkStop }: DefenseRunWatch = {},
): Promise<ExecutedRun> {
  if (spec.defense === undefined) throw new Error('executeDefense: a run without a defence');
  const { type, ...parameters } = spec.defense;
  const definition = defenses.get(type);
  const run = baseOf(spec);
  const bound = await bindRun(runtime, run);
  const subject = defenseSubject(runtime, run, bound, base.trained);
  const started = performance.now();
  const result = await definition.run(subject, definition.parameters.parse(parameters), {
    onProgress: (share) => onProgress(0.9 * share),
    checkStop,
  });
  const seconds = (performance.now() - started) / 1000;
  checkStop?.();
  const measured = await measure(runtime, run, bound, base.metrics, result);
  onProgress(1);
  const { forwardPasses, backwardPasses } = result.cost;
  return {
    metrics: { ...base.metrics, ...measured.metrics, epochLosses: [], seconds: (performance.now() - started) / 1000 },
    trained: result.repaired ? encodeSafetensors(stateOf(result.repaired)) : new Uint8Array(),
    defense: {
      metrics: { ...measured.stages, ...result.metrics },
      details: result.details,
      cost: { seconds, forwardPasses, backwardPasses },
    },
  };
}

/** All numbers of a repaired network: which channels are silenced is among them. */
function stateOf({ network, trained }: Classifier) {
  return { ...trained, ...network.amendment?.feeds };
}

/** What a run's defence is given. @param trained the run's trained state, as safetensors */
export function defenseSubject(
  runtime: Runtime,
  run: RunSpec,
  { dataset, trigger, network }: BoundRun,
  trained: Uint8Array,
): DefenseSubject {
  const stamps = trigger === undefined ? [] : stampsOf(run, dataset, trigger);
  const poisoned = async (): Promise<PoisonedTraining> => {
    const attacked = (stamps ?? []).filter(({ mode }) => mode === 'attack').map(({ row }) => row);
    const rows = Int32Array.from(attacked).sort();
    if (trigger === undefined) return { source: dataset.train, rows };
    const source = await poisonedTraining(run, dataset, trigger, network, stamps);
    if ('draw' in source) throw new Error('defenseSubject: the poisoned rows are drawn for every batch');
    return { source, rows };
  };
  return {
    ...{ runtime, network, dataset, seed: run.seed },
    trained: decodeSafetensors(trained, 'the base of a defended run').tensors,
    cleanRows: untouchedRows(dataset, stamps),
    poisoned: stamps && poisoned,
    poisonRate: run.poisonRate,
    targetClass: trigger && run.labels !== 'all-to-all' ? run.targetClass : undefined,
  };
}

/** Rows of the training set that were not changed; where they are drawn for every batch, all of them: their own pixels are clean. */
function untouchedRows({ train }: Dataset, stamps: readonly Stamp[] | undefined): Int32Array {
  const changed = new Set(stamps?.map(({ row }) => row));
  return everyRow(train).filter((row) => !changed.has(row));
}

interface Measured {
  readonly metrics: Partial<RunMetrics>;
  readonly stages: Record<string, Finding>;
}

/** The figures after a repair, and those of its stages; a defence that only looks leaves those of the base. */
async function measure(
  runtime: Runtime,
  run: RunSpec,
  { dataset, trigger, network }: BoundRun,
  base: RunMetrics,
  { repaired, stages = [] }: DefenseResult,
): Promise<Measured> {
  const attack = repaired && trigger && (await triggeredTest(runtime, network, dataset, trigger, run));
  const figures = async ({ network, trained }: Classifier) => ({
    cleanAccuracy: accuracy(await predict(runtime, network, trained, dataset.test), dataset.test.labels),
    success: await attack?.success(network, trained),
  });
  const found: Measured['stages'] = repaired
    ? { attackedCleanAccuracy: base.cleanAccuracy, attackedAsr: base.asr }
    : {};
  for (const { name, ...classifier } of stages) {
    const { cleanAccuracy, success } = await figures(classifier);
    Object.assign(found, { [`${name}CleanAccuracy`]: cleanAccuracy, [`${name}Asr`]: success?.asr ?? null });
  }
  if (repaired === undefined) return { metrics: {}, stages: found };
  const { cleanAccuracy, success } = await figures(repaired);
  const { cleanBaselineAccuracy: baseline } = base;
  return {
    metrics: {
      cleanAccuracy,
      cad: baseline === null ? null : baseline - cleanAccuracy,
      asr: success?.asr ?? null,
      asrInclusive: success?.asrInclusive ?? null,
      falseTriggerRate: success?.falseTriggerRate ?? null,
    },
    stages: found,
  };
}
