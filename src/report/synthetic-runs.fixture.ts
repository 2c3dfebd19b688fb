// SYNTHETIC run records for tests and for looking at the layout: made-up numbers, nothing that any model ever did.
import { Rng } from '../core/rng.ts';
import type { AttackSpec, RunSpec } from '../spec/run-spec.ts';
import type { RunRecord } from '../store/records.ts';

interface Wish {
  readonly models?: readonly string[];
  readonly sizes?: readonly number[];
  readonly positions?: readonly string[];
  readonly colors?: readonly (string | readonly number[])[];
  readonly poisonRates?: readonly number[];
  readonly seeds?: readonly number[];
}

/** A record with a made-up result; `change` overrides any part of it. */
export function syntheticRun(spec: Partial<RunSpec> = {}, change: Partial<RunRecord> = {}): RunRecord {
  const full: RunSpec = {
    dataset: 'mnist10k',
    model: 'resnet-mini',
    init: 'pretrained',
    freeze: 'paper',
    inputSize: 32,
    attack: { type: 'none' },
    poisonRate: 0,
    targetClass: 0,
    training: { optimizer: 'adam', learningRate: 0.01, momentum: 0, weightDecay: 0, epochs: 5, batchSize: 128 },
    seed: 1,
    ...spec,
  };
  const label = JSON.stringify(full);
  const rng = Rng.of(full.seed, label);
  const clean = full.attack.type === 'none';
  const strength = full.model === 'alexnet-mini' ? 0.15 : 1;
  const size = 'size' in full.attack ? Number(full.attack.size) : 0;
  const asr = Math.min(1, Math.max(0, strength * (1 - Math.exp(-full.poisonRate * size * 1500)) + 0.02 * rng.normal()));
  const baseline = 0.955 + 0.003 * rng.normal();
  const cad = clean ? null : 0.004 + 0.004 * rng.normal();
  return {
    runId: `synthetic-${Math.abs(Rng.of(0, label).bits()).toString(16).padStart(8, '0')}`,
    twinId: clean ? null : 'synthetic-twin',
    baseId: null,
    defense: null,
    spec: full,
    status: 'done',
    metrics: {
      cleanAccuracy: baseline - (cad ?? 0),
      asr: clean ? null : asr,
      asrInclusive: clean ? null : 0.1 + 0.9 * asr,
      falseTriggerRate: null,
      cleanBaselineAccuracy: clean ? null : baseline,
      cad,
      naturalAsr: clean ? null : 0.002 + 0.002 * Rng.of(full.seed, full.model, JSON.stringify(full.attack)).uniform(),
      effectivePixels: clean ? null : Math.round((32 * size) ** 2),
      testImages: 2000,
      attackedImages: clean ? null : 1804,
      epochs: full.training.epochs,
      epochLosses: [1.2, 0.5, 0.3, 0.25, 0.2],
      seconds: 6 + rng.uniform(),
      imagesPerSecond: 7000 + Math.round(500 * rng.normal()),
    },
    environment: { triggerlab: '0.1.0', onnxruntime: '1.30.0', node: 'v20.20.2', threads: 1, cpu: 'Synthetic CPU' },
    error: null,
    experiments: ['synthetic'],
    startedAt: '2024-01-01T12:00:00.000Z',
    finishedAt: '2024-01-01T12:00:07.000Z',
    ...change,
  };
}

/** All runs of a made-up factorial experiment, a clean twin per model and seed included. */
export function syntheticExperiment(wish: Wish = {}): RunRecord[] {
  const runs: RunRecord[] = [];
  for (const model of wish.models ?? ['resnet-mini', 'alexnet-mini']) {
    for (const seed of wish.seeds ?? [1, 2]) {
      runs.push(syntheticRun({ model, seed }));
      for (const size of wish.sizes ?? [0.08, 0.16]) {
        for (const position of wish.positions ?? ['bottom-right', 'middle']) {
          for (const color of wish.colors ?? ['white']) {
            for (const poisonRate of wish.poisonRates ?? [0.005, 0.02]) {
              const attack: AttackSpec = { type: 'badnets', size, position, color, opacity: 1, stampAt: 'native' };
              runs.push(syntheticRun({ model, seed, attack, poisonRate }));
            }
          }
        }
      }
    }
  }
  return runs;
}

/** A run that failed with an error. */
export function syntheticFailure(error: string, spec: Partial<RunSpec> = {}): RunRecord {
  return syntheticRun(spec, { status: 'failed', metrics: null, error });
}
