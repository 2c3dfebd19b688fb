// One run from its spec to its metrics: assemble the data, train, evaluate clean and triggered, compare with the clean twin.
import { inputError } from '../core/errors.ts';
import { augmentation } from '../data/augment.ts';
import type { Dataset } from '../data/dataset.ts';
import { featureStore } from '../data/feature-cache.ts';
import { accuracy } from '../metrics/accuracy.ts';
import { effectivePixels } from '../metrics/effective-pixels.ts';
import { decodeSafetensors, encodeSafetensors } from '../models/weights/safetensors.ts';
import type { Runtime } from '../runtime/node.ts';
import { NUMERICS_VERSION } from '../spec/identity.ts';
import type { RunSpec } from '../spec/run-spec.ts';
import type { DefenseOutcome, RunMetrics } from '../store/records.ts';
import type { Checkpointing, Position } from '../train/checkpoint.ts';
import type { Network } from '../train/network.ts';
import { encodePoisonRecord, poisonRecord } from '../train/poison-record.ts';
import type { TriggeredSource } from '../train/poisoned-set.ts';
import { predict, seenPixels, type TrainedState } from '../train/predict.ts';
import { train } from '../train/train.ts';
import type { Trigger } from '../triggers/trigger.ts';
import { bindRun } from './bind-run.ts';
import { measureStealth } from './measure-stealth.ts';
import { poisonedTraining, stampsOf } from './run-poison.ts';
import { triggeredTest } from './triggered-test.ts';

/** What a poisoned run takes from its clean twin. */
export interface Twin {
  readonly cleanAccuracy: number;
  /** The twin's trained parameters and statistics, as `ExecutedRun.trained` holds them. */
  readonly trained: Uint8Array;
}

export interface ExecutedRun {
  readonly metrics: RunMetrics;
  /** What training changed, as safetensors. */
  readonly trained: Uint8Array;
  /** Of a poisoned run: which rows were changed, see train/poison-record.ts. */
  readonly poison?: Uint8Array | undefined;
  /** Of a defended run. */
  readonly defense?: DefenseOutcome | undefined;
}

export interface RunWatch {
  /** Told the share done, in [0, 1]. */
  readonly onProgress?: (share: number) => void;
  /** Told of every epoch, from 1, its mean loss, and the seconds of training until then. */
  readonly onEpoch?: (epoch: number, loss: number, seconds: number) => void;
  /** Told where training goes on from a checkpoint. */
  readonly onResumed?: (position: Position) => void;
  /** Lets training be interrupted and taken up again. */
  readonly checkpointing?: Checkpointing | undefined;
}

/** Test images that effectivePixels is measured on. */
const SEEN_IMAGES = 100;

/**
 * Does one run. Same spec, same machine, same thread count: same bits.
 * @throws TriggerlabError for what cannot be run (input) or went wrong while it ran (failed); TrainingStopped when
 * `checkpointing` says so.
 */
export async function executeRun(
  runtime: Runtime,
  spec: RunSpec,
  twin: Twin | undefined,
  { onProgress = () => {}, onEpoch, onResumed, checkpointing }: RunWatch = {},
): Promise<ExecutedRun> {
  const started = performance.now();
  let before = 0;
  const { dataset, trigger, network } = await bindRun(runtime, spec, featureStore(NUMERICS_VERSION));
  const { seed, training } = spec;
  const stamps = trigger && stampsOf(spec, dataset, trigger);
  const source = trigger ? await poisonedTraining(spec, dataset, trigger, network, stamps) : dataset.train;
  const augment = augmentation(spec.augmentation, dataset.train, spec.inputSize, spec.preprocessing);
  if (augment && trigger?.stampAt === 'input' && !trigger.overlay) {
    throw inputError(`${spec.attack.type} at input size replaces whole images, which augmentation would pass by`, {
      hint: 'Use stampAt: native, or take the augmentation out.',
    });
  }
  const { trained, epochLosses, seconds } = await train(runtime, network, source, {
    ...training,
    seed,
    augment,
    onProgress: (share) => onProgress(0.95 * share),
    onEpoch: (epoch, loss) => onEpoch?.(epoch, loss, before + (performance.now() - started) / 1000),
    checkpointing,
    onResume: (position) => {
      before = position.seconds;
      onResumed?.(position);
    },
  });
  const cleanAccuracy = accuracy(await predict(runtime, network, trained, dataset.test), dataset.test.labels);
  const attacked = trigger && (await measureAttack(runtime, network, trained, dataset, trigger, spec, twin));
  onProgress(1);
  return {
    metrics: {
      cleanAccuracy,
      asr: attacked?.asr ?? null,
      asrInclusive: attacked?.asrInclusive ?? null,
      falseTriggerRate: attacked?.falseTriggerRate ?? null,
      cleanBaselineAccuracy: twin?.cleanAccuracy ?? null,
      cad: twin ? twin.cleanAccuracy - cleanAccuracy : null,
      naturalAsr: attacked?.naturalAsr ?? null,
      effectivePixels: attacked?.effectivePixels ?? null,
      ...attacked?.stealth,
      testImages: dataset.test.count,
      attackedImages: attacked?.counted ?? null,
      epochs: training.epochs,
      epochLosses,
      seconds: before + (performance.now() - started) / 1000,
      imagesPerSecond: (dataset.train.count * training.epochs) / seconds,
    },
    trained: encodeSafetensors(trained),
    ...(trigger && { poison: encodePoisonRecord(poisonRecord(dataset.train.labels, stamps)) }),
  };
}

async function measureAttack(
  runtime: Runtime,
  network: Network,
  trained: TrainedState,
  dataset: Dataset,
  trigger: Trigger,
  spec: RunSpec,
  twin: Twin | undefined,
) {
  const { triggered, success } = await triggeredTest(runtime, network, dataset, trigger, spec);
  const natural = twin && (await success(network, decodeSafetensors(twin.trained, 'the clean twin').tensors));
  return {
    ...(await success(network, trained)),
    naturalAsr: natural?.asr ?? null,
    effectivePixels: await changedPixels(runtime, network, triggered, dataset.test),
    stealth: await measureStealth(runtime, network, triggered),
  };
}

async function changedPixels(
  runtime: Runtime,
  network: Network,
  triggered: TriggeredSource,
  test: Dataset['test'],
): Promise<number> {
  const rows = Int32Array.from({ length: Math.min(SEEN_IMAGES, test.count) }, (_, row) => row);
  const before = await seenPixels(runtime, network, test, rows);
  const after = await seenPixels(runtime, network, triggered, rows);
  const [n, c, h, w] = before.shape;
  return effectivePixels(before.data as Float32Array, after.data as Float32Array, [n, c, h, w]);
}
