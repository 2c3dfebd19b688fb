// Published results as records: what a row of somebody's CSV file says, in our words, with what is wrong about it.
import { z } from 'zod';

/** What a row is about. */
export const KINDS = ['attack', 'clean', 'fine-pruning', 'neural-cleanse', 'defence'] as const;
export type ExternalKind = (typeof KINDS)[number];

const text = z.string().max(300);
const share = z.number();

/** The fields that a column can be mapped to. Shares are fractions; values out of range are kept and flagged. */
export const FIELDS = {
  id: text,
  dataset: text,
  model: text,
  attack: text,
  poisonRate: z.number().min(0).max(1),
  size: z.number(),
  position: text,
  color: text,
  targetClass: z.int(),
  seed: text,
  testImages: z.int().min(1),
  cleanAccuracy: share,
  cleanAccuracySd: share,
  asr: share,
  robustAccuracy: share,
  trainAccuracy: share,
  defence: text,
  pruningRate: z.number(),
  cleanAccuracyPruned: share,
  asrPruned: share,
  cleanAccuracyAfter: share,
  asrAfter: share,
  detected: z.boolean(),
  flagged: text,
  anomaly: text,
} as const satisfies Record<string, z.ZodType>;

export type FieldName = keyof typeof FIELDS;
export const FIELD_NAMES = Object.keys(FIELDS) as FieldName[];

export type ExternalValues = { readonly [Name in FieldName]?: z.infer<(typeof FIELDS)[Name]> | undefined };

export type FaultCode =
  | 'asr-equals-accuracy'
  | 'near-chance'
  | 'pruned-equals-fine-pruned'
  | 'spurious-row'
  | 'nan-verdict'
  | 'share-above-one'
  | 'no-result';

export interface FaultKind {
  readonly code: FaultCode;
  readonly title: string;
  /** Whether the row is of no use as evidence; else only the figure in question is. */
  readonly unusable: boolean;
}

export const FAULTS: Readonly<Record<FaultCode, FaultKind>> = {
  'asr-equals-accuracy': {
    code: 'asr-equals-accuracy',
    title: 'ASR equals clean accuracy in every row of this dataset: the triggered images were not triggered',
    unusable: true,
  },
  'near-chance': {
    code: 'near-chance',
    title: 'clean accuracy near chance: the model has not learnt its task',
    unusable: true,
  },
  'pruned-equals-fine-pruned': {
    code: 'pruned-equals-fine-pruned',
    title: 'ASR after pruning equals that after fine-pruning in every row: one of the two was not measured',
    unusable: false,
  },
  'spurious-row': {
    code: 'spurious-row',
    title: 'the same run again with an empty verdict: results were saved twice',
    unusable: true,
  },
  'nan-verdict': {
    code: 'nan-verdict',
    title: 'the verdict rests on an anomaly index that is not a number or not finite',
    unusable: true,
  },
  'share-above-one': { code: 'share-above-one', title: 'a share lies outside 0 to 1', unusable: false },
  'no-result': { code: 'no-result', title: 'the row has no result', unusable: true },
};

export interface ExternalRun {
  /** Name under which it was imported. */
  readonly source: string;
  /** The file's name, and its line, the header being line 1. */
  readonly file: string;
  readonly line: number;
  readonly kind: ExternalKind;
  readonly values: ExternalValues;
  readonly faults: readonly FaultCode[];
}

export function isUsable(run: ExternalRun): boolean {
  return !run.faults.some((code) => FAULTS[code].unusable);
}
