// What a defence is to the rest of the program: a classifier and clean images in, findings or a repaired classifier out.
import type { z } from 'zod';
import type { Dataset, ImageSource } from '../data/dataset.ts';
import type { Runtime } from '../runtime/node.ts';
import type { Network } from '../train/network.ts';
import type { TrainedState } from '../train/predict.ts';

/** What a defence examines or changes: a model alone, the data it was trained on, or the model to be mended. */
export type DefenseKind = 'detect-model' | 'detect-data' | 'repair';

/** A network with the numbers that training gave it. */
export interface Classifier {
  readonly network: Network;
  readonly trained: TrainedState;
}

/** Training images as the attacker left them. */
export interface PoisonedTraining {
  /** Labels included: what the network was trained on. */
  readonly source: ImageSource;
  /** Rows that carry the trigger and are meant to plant the backdoor, ascending: the truth that findings are measured against. */
  readonly rows: Int32Array;
}

/** What a defence is given. Nothing here tells it of test images' predictions: it cannot choose by them. */
export interface DefenseSubject extends Classifier {
  readonly runtime: Runtime;
  /** Clean images. A defender's own images are drawn from `train`; `test` is for those that need images the network never saw. */
  readonly dataset: Dataset;
  /** Rows of `dataset.train` that the attack left alone, ascending. */
  readonly cleanRows: Int32Array;
  /** Undefined where it is not known what the network was trained on. Of clean runs no rows are poisoned. */
  readonly poisoned?: (() => Promise<PoisonedTraining>) | undefined;
  /** Share of the training images that is poisoned, for defences that must be told; undefined where unknown, 0 in clean runs. */
  readonly poisonRate?: number | undefined;
  /** The truth, for scoring findings alone; undefined where unknown and in clean runs. */
  readonly targetClass?: number | undefined;
  readonly seed: number;
}

/** Lets a defence be watched and stopped. */
export interface DefenseWatch {
  /** Told the share done in [0, 1], and what is being done. */
  readonly onProgress?: (share: number, what?: string) => void;
  /** @throws TrainingStopped when the work is to be given up. To be called every second or so. */
  readonly checkStop?: () => void;
}

/** Images that went through the network, and of those how many gradients were carried back for. */
export interface PassCount {
  readonly forwardPasses: number;
  readonly backwardPasses: number;
}

export type Finding = number | string | boolean | null;

export interface DefenseResult {
  /** Single figures by name (camelCase), null where one has no meaning. They become columns of results. */
  readonly metrics: Readonly<Record<string, Finding>>;
  /** All there is to tell, as JSON. */
  readonly details: object;
  readonly cost: PassCount;
  /** Of a repair: the classifier after it. */
  readonly repaired?: Classifier | undefined;
  /** Of a repair: classifiers on the way, whose figures are wanted too: `<name>CleanAccuracy`, `<name>Asr`. */
  readonly stages?: readonly (Classifier & { readonly name: string })[] | undefined;
}

/** A line of the registry. `P` is the type of the parameters after defaults. */
export interface DefenseDefinition<P extends object = object> {
  readonly name: string;
  readonly title: string;
  /** The publication it comes from. */
  readonly paper: string;
  readonly kind: DefenseKind;
  /** Checks and completes the parameters: a strict object whose fields have `.describe()` and a default. */
  readonly parameters: z.ZodType<P>;
  /** Same subject, parameters and machine: same result. @throws TriggerlabError for a subject it can do nothing with. */
  run(subject: DefenseSubject, parameters: P, watch: DefenseWatch): Promise<DefenseResult>;
}
