// The file by which runs go from store to store: a tar archive whose parts are checked before anything is taken from them.
// store.json says what it is, experiments.json and runs-*.ndjson hold rows, artifacts/<sha256> the files that belong to runs.
import { z } from 'zod';
import type { RunSpec } from '../../spec/run-spec.ts';

/** Raised when older programs cannot read what is written. */
export const ARCHIVE_VERSION = 1;
export const MANIFEST_FILE = 'store.json';
export const EXPERIMENTS_FILE = 'experiments.json';
export const RUNS_FILE = /^runs-\d{6}\.ndjson$/;
export const ARTIFACT_FILE = /^artifacts\/([0-9a-f]{64})$/;

/** Bounds of what is read. */
export const MAX_JSON_BYTES = 256e6;
export const MAX_RUNS = 1_000_000;
export const MAX_ARCHIVE_BYTES = 1e12;
export const MAX_ARTIFACT_BYTES = 2e9;
export const MAX_ENTRIES = 2_000_000;
/** Runs in one of the files. */
export const RUNS_A_FILE = 1000;

/** Numbers of a result to the last bit, those too that JSON has no word for. */
const SPECIAL = ['NaN', 'Infinity', '-Infinity', '-0'] as const;
const exactNumber = z.union([z.number(), z.enum(SPECIAL).transform(Number)]);

/** Puts words in the place of numbers that JSON lacks; `readExact` of the schemas reads them. */
export function encodeExact(value: number | null): number | string | null {
  if (value === null || (Number.isFinite(value) && !Object.is(value, -0))) return value;
  return Object.is(value, -0) ? '-0' : String(value);
}

const text = z
  .string()
  .max(1_000_000)
  .refine((value) => !value.includes('\0'), 'expected text without NUL');
const id = z.string().regex(/^[\w.-]{1,100}$/, { error: 'expected an id of letters, digits, dots, dashes' });
const time = z.iso.datetime().nullable();
const plain = z.record(z.string(), z.unknown());

export const manifestSchema = z.object({
  format: z.literal('triggerlab-store'),
  version: z.int().min(1),
  triggerlab: text,
  runs: z.int().min(0).max(MAX_RUNS),
  /** Set in what `shard export` deals out, until it has been run. */
  shard: z.literal(true).optional(),
});

export const experimentsSchema = z.array(
  z.object({
    name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,99}$/, { error: 'expected lower-case letters, digits and hyphens' }),
    specText: text,
    resolved: z.unknown(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
    runs: z.array(id).max(MAX_RUNS),
  }),
);

/** Metrics that are counts. */
const COUNTS = ['testImages', 'attackedImages', 'epochs', 'stealthImages'];
const isCount = (value: unknown) => Number.isInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 31;

/** What of a spec the program relies on; further fields pass. */
const neededOfSpec = z.looseObject({
  ...{ dataset: text, model: text, init: z.enum(['pretrained', 'random']), freeze: text, inputSize: z.int() },
  attack: z.looseObject({ type: text }),
  ...{
    poisonRate: z.number(),
    targetClass: z.int(),
    seed: z
      .int()
      .min(0)
      .max(2 ** 31 - 1),
  },
  training: z.looseObject({
    ...{
      optimizer: z.enum(['adam', 'sgd']),
      learningRate: z.number(),
      momentum: z.number(),
      weightDecay: z.number(),
    },
    ...{ epochs: z.int(), batchSize: z.int() },
  }),
  defense: z.looseObject({ type: text }).optional(),
});

/**
 * A spec as it stands: what the schema above gives back has its members in another order, and would be exported as another text. Only
 * strings could differ from what a plan makes, and whoever runs the spec checks them again.
 */
const spec = z.custom<RunSpec>().superRefine((value, context) => {
  const { error } = neededOfSpec.safeParse(value);
  for (const { path, message } of error?.issues ?? []) context.addIssue({ code: 'custom', path: [...path], message });
});

export const runSchema = z
  .object({
    runId: id,
    /** The run that has to be done before: the clean twin, or the base of a defended run. */
    needs: id.nullable(),
    keepWeights: z.enum(['failed', 'all']).nullable(),
    spec,
    status: z.enum(['pending', 'done', 'failed', 'skipped']),
    metrics: z
      .record(z.string(), exactNumber.nullable())
      .refine((metrics) => COUNTS.every((name) => (metrics[name] ?? null) === null || isCount(metrics[name])), {
        error: 'expected whole numbers of images and epochs',
      })
      .nullable(),
    epochLosses: z.array(exactNumber).max(100_000).nullable(),
    environment: plain.nullable(),
    error: text.nullable(),
    worker: text.nullable(),
    startedAt: time,
    finishedAt: time,
    defense: z
      .object({
        metrics: plain,
        details: plain,
        cost: z.object({ seconds: z.number(), forwardPasses: z.number(), backwardPasses: z.number() }),
      })
      .nullable(),
    artifacts: z.array(
      z.object({
        kind: z.string().regex(/^[a-z][a-z0-9-]{0,63}$/),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
        bytes: z.int().min(0).max(MAX_ARTIFACT_BYTES),
      }),
    ),
  })
  .refine(
    ({ status, metrics, finishedAt, environment }) =>
      status !== 'done' || (typeof metrics?.cleanAccuracy === 'number' && finishedAt !== null && environment !== null),
    'a run that is done has metrics, an environment and a time',
  );

export type ArchivedRun = z.infer<typeof runSchema>;
export type ArchivedExperiment = z.infer<typeof experimentsSchema>[number];
export type ArchiveManifest = z.infer<typeof manifestSchema>;
