// Published records as what the analysis works on. Unusable rows stay out; they are counted, not averaged.
import type { DefenceObservation } from '../claims/index.ts';
import type { Observation } from '../observations.ts';
import { type ExternalRun, FAULTS, type FaultCode, isUsable } from './record.ts';

/** Test images of datasets, for the logit: the figures of the datasets' own test splits. */
const TEST_IMAGES: Readonly<Record<string, number>> = { mnist: 10_000, cifar10: 10_000, tinyimagenet: 10_000 };

/** What published results vary, under the names of our own factors. */
const FACTORS = ['dataset', 'model', 'attack', 'size', 'position', 'color', 'poisonRate', 'targetClass'] as const;

export interface ExternalEvidence {
  readonly attacks: readonly Observation[];
  readonly defences: readonly DefenceObservation[];
  /** Rows that count neither way, because of what is wrong with them. */
  readonly unusable: number;
}

/** Attacks on undefended models, and what defences did. */
export function evidenceOf(runs: readonly ExternalRun[]): ExternalEvidence {
  const usable = runs.filter(isUsable);
  return {
    attacks: usable.flatMap((run) => attackOf(run) ?? []),
    defences: usable.flatMap((run) => defenceOf(run) ?? []),
    unusable: runs.length - usable.length,
  };
}

function idOf({ source, file, line, values }: ExternalRun): string {
  return `${source}:${values.id ?? `${file}:${line}`}`;
}

function attackOf(run: ExternalRun): Observation | undefined {
  const { values, kind } = run;
  const undefended = kind === 'attack' || (kind === 'defence' && values.defence === 'none');
  if (!undefended || values.asr === undefined) return undefined;
  const name = String(values.dataset)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '');
  return {
    id: idOf(run),
    block: values.seed ?? '',
    factors: Object.fromEntries(FACTORS.map((factor) => [factor, values[factor] ?? null])),
    asr: values.asr,
    cad: null,
    cleanAccuracy: values.cleanAccuracy ?? null,
    attackedImages: values.testImages ?? TEST_IMAGES[name] ?? null,
  };
}

function defenceOf(run: ExternalRun): DefenceObservation | undefined {
  const { values, kind } = run;
  if (kind !== 'fine-pruning' && kind !== 'neural-cleanse') return undefined;
  return {
    id: idOf(run),
    block: values.seed ?? '',
    defence: kind,
    dataset: values.dataset ?? null,
    model: values.model ?? null,
    attack: values.attack ?? null,
    pruningRate: values.pruningRate ?? null,
    asrBefore: values.asr ?? null,
    asrAfter: values.asrAfter ?? null,
    detected: values.detected ?? null,
  };
}

export interface FaultCount {
  readonly code: FaultCode;
  readonly title: string;
  readonly unusable: boolean;
  readonly rows: number;
  /** The files it occurs in, with the number of rows in each. */
  readonly where: readonly { readonly what: string; readonly rows: number }[];
}

/** How often each fault occurs, and in which datasets and files. */
export function countFaults(runs: readonly ExternalRun[]): FaultCount[] {
  return Object.values(FAULTS).flatMap(({ code, title, unusable }) => {
    const own = runs.filter((run) => run.faults.includes(code));
    if (own.length === 0) return [];
    const where = new Map<string, number>();
    for (const { values, kind } of own) {
      const what = [
        values.attack,
        kind === 'attack' ? undefined : kind,
        values.dataset,
        values.seed && `seed ${values.seed}`,
      ]
        .filter(Boolean)
        .join(', ');
      where.set(what, (where.get(what) ?? 0) + 1);
    }
    const places = [...where].map(([what, rows]) => ({ what, rows }));
    return [{ code, title, unusable, rows: own.length, where: places }];
  });
}
