// What is wrong with published rows: faults that make them useless as evidence, found by rules that any file can be held to.
import type { ExternalRun, ExternalValues, FaultCode, FieldName } from './record.ts';

/** Accuracy up to so many times chance counts as nothing learnt. */
const NEAR_CHANCE = 1.5;
/** Classes of datasets that published results speak of. */
const CLASSES: Readonly<Record<string, number>> = {
  ...{ mnist: 10, cifar10: 10, cifar100: 100, gtsrb: 43, tinyimagenet: 200, tiny: 200, fashionmnist: 10, svhn: 10 },
};
/** A pattern over rows needs so many of them. */
const FEWEST_ROWS = 3;

const SHARES: readonly FieldName[] = [
  ...(['cleanAccuracy', 'asr', 'robustAccuracy', 'trainAccuracy', 'cleanAccuracyPruned', 'asrPruned'] as const),
  ...(['cleanAccuracyAfter', 'asrAfter', 'pruningRate'] as const),
];

/** The rows of one file with their faults. */
export function flagFaults(runs: readonly ExternalRun[]): ExternalRun[] {
  const equalDatasets = alwaysEqual(runs, 'cleanAccuracy', 'asr', (values) => String(values.dataset));
  const equalPruned = alwaysEqual(runs, 'asrPruned', 'asrAfter', () => '');
  const seen = new Set<string>();
  return runs.map((run) => {
    const { values } = run;
    const again = values.id !== undefined && seen.has(values.id);
    if (values.id !== undefined) seen.add(values.id);
    const found: [FaultCode, boolean][] = [
      ['asr-equals-accuracy', values.asr !== undefined && equalDatasets.has(String(values.dataset))],
      ['near-chance', isNearChance(values)],
      ['pruned-equals-fine-pruned', values.asrPruned !== undefined && equalPruned.has('')],
      [
        'spurious-row',
        run.kind === 'neural-cleanse' && again && values.detected !== true && isEmptyList(values.flagged),
      ],
      ['nan-verdict', run.kind === 'neural-cleanse' && hasNoFiniteEvidence(values)],
      ['share-above-one', SHARES.some((name) => isOutside(values[name]))],
      ['no-result', hasNoResult(run)],
    ];
    return { ...run, faults: found.flatMap(([code, is]) => (is ? [code] : [])) };
  });
}

/** Groups in which two figures agree to the last digit in every row, and are not all one value. */
function alwaysEqual(
  runs: readonly ExternalRun[],
  a: FieldName,
  b: FieldName,
  groupOf: (values: ExternalValues) => string,
): Set<string> {
  const groups = new Map<string, { rows: number; equal: number; values: Set<unknown> }>();
  for (const { values } of runs) {
    if (values[a] === undefined || values[b] === undefined) continue;
    const name = groupOf(values);
    const group = groups.get(name) ?? { rows: 0, equal: 0, values: new Set() };
    group.rows++;
    group.equal += Number(values[a] === values[b]);
    group.values.add(values[a]);
    groups.set(name, group);
  }
  const isFault = ([, group]: [string, { rows: number; equal: number; values: Set<unknown> }]) =>
    group.rows >= FEWEST_ROWS && group.equal === group.rows && group.values.size > 1;
  return new Set([...groups].filter(isFault).map(([name]) => name));
}

function isNearChance({ dataset, cleanAccuracy }: ExternalValues): boolean {
  const classes =
    CLASSES[
      String(dataset)
        .toLowerCase()
        .replace(/[^a-z0-9]/g, '')
    ];
  return classes !== undefined && cleanAccuracy !== undefined && cleanAccuracy <= NEAR_CHANCE / classes;
}

function isEmptyList(text: string | undefined): boolean {
  return text === undefined || /^\[\s*\]$/.test(text);
}

/** Called backdoored although no class was flagged (a median deviation that is not a number), or with infinite indices. */
function hasNoFiniteEvidence({ detected, flagged, anomaly }: ExternalValues): boolean {
  if (/\b(nan|inf)\b/i.test(anomaly ?? '')) return true;
  return detected === true && isEmptyList(flagged);
}

function isOutside(value: unknown): boolean {
  return typeof value === 'number' && (value < 0 || value > 1);
}

function hasNoResult({ kind, values }: ExternalRun): boolean {
  if (kind === 'neural-cleanse') return values.detected === undefined;
  if (kind === 'clean') return values.cleanAccuracy === undefined;
  return values.asr === undefined && values.asrAfter === undefined;
}
