// What the store keeps of a run, and what `results --json` prints of it.
import type { RunSpec } from '../spec/run-spec.ts';

export type RunStatus = 'pending' | 'running' | 'done' | 'failed' | 'skipped';

/** How visible the trigger is, on a sample of test images where it is stamped; levels run from 0 to 255. See runner/measure-stealth.ts. */
export interface StealthMetrics {
  /** Images of the sample. */
  stealthImages: number | null;
  /** Largest absolute difference, mean over images. */
  stealthLinf: number | null;
  /** Euclidean norm of the difference over all pixels and channels, mean over images. */
  stealthL2: number | null;
  /** Peak signal-to-noise ratio in dB, mean over the images that the trigger changes; null when it changes none. */
  stealthPsnr: number | null;
  /** Structural similarity, mean over images; null for images smaller than its window. */
  stealthSsim: number | null;
  /** Distance in the features of resnet-mini (not LPIPS), mean over images. */
  stealthPerceptual: number | null;
}

/**
 * What a finished run measured. Shares are in [0, 1]; null where a figure has no meaning (ASR of a clean run). Of a defended run:
 * accuracy and success after the defence; what is about its data, its trigger and its training is that of its base.
 */
export interface RunMetrics extends Partial<StealthMetrics> {
  cleanAccuracy: number;
  /** Share of attacked test images that are taken for what the attacker wants: see metrics/attack-success.ts. */
  asr: number | null;
  /** The same with the target class's own images counted. */
  asrInclusive: number | null;
  /** Share of triggered test images that a source-specific attack leaves alone which are taken for the target class. */
  falseTriggerRate: number | null;
  /** Clean accuracy of the clean twin. */
  cleanBaselineAccuracy: number | null;
  /** Clean accuracy drop: cleanBaselineAccuracy − cleanAccuracy. */
  cad: number | null;
  /** The clean twin's ASR (target class left out) on the same triggered images. */
  naturalAsr: number | null;
  /** Mean number of input pixels that the trigger changes by at least half a grey level of 255, after preprocessing. */
  effectivePixels: number | null;
  /** Images behind cleanAccuracy. */
  testImages: number;
  /** Triggered images behind asr and naturalAsr (the target class's own left out). */
  attackedImages: number | null;
  epochs: number;
  /** Mean training loss of each epoch. */
  epochLosses: number[];
  /** Wall time of the run. */
  seconds: number;
  /** Training images per second of training time. */
  imagesPerSecond: number;
}

/** What does not decide a result but helps to explain it. */
export interface RunEnvironment {
  triggerlab: string;
  onnxruntime: string;
  node: string;
  threads: number;
  cpu: string;
}

/** What a defended run found, and what that cost. */
export interface DefenseRecord {
  /** Single figures by name: see the defence's documentation. */
  readonly metrics: Readonly<Record<string, number | string | boolean | null>>;
  /** Wall time of the defence in seconds, without evaluation; images that went forward, and backward, through the network. */
  readonly cost: { readonly seconds: number; readonly forwardPasses: number; readonly backwardPasses: number };
}

/** The same with all there is to tell, which lists of runs leave out. */
export interface DefenseOutcome extends DefenseRecord {
  readonly details: object;
}

export interface RunRecord {
  runId: string;
  /** The clean twin; null for clean and for defended runs. */
  twinId: string | null;
  /** Of a defended run: the same run without the defence. */
  baseId: string | null;
  /** Of a defended run that is done. */
  defense: DefenseRecord | null;
  spec: RunSpec;
  status: RunStatus;
  metrics: RunMetrics | null;
  environment: RunEnvironment | null;
  /** Why a run failed or was skipped: one readable line. */
  error: string | null;
  /** Names of the experiments this run belongs to. */
  experiments: string[];
  /** ISO 8601 times, null before they happened. */
  startedAt: string | null;
  finishedAt: string | null;
}

/** An experiment and how many of its runs are where. */
export interface ExperimentSummary {
  readonly name: string;
  /** ISO 8601. */
  readonly createdAt: string;
  /** When it was last planned, ISO 8601. */
  readonly updatedAt: string;
  readonly total: number;
  readonly counts: Readonly<Record<RunStatus, number>>;
}

export interface StoredExperiment {
  readonly name: string;
  /** The spec file as it was given. */
  readonly specText: string;
  /** The spec after defaults, presets and overrides. */
  readonly resolved: unknown;
}
