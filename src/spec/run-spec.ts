// One run of an experiment, after defaults, presets and expansion: all that decides its result, and nothing else.

import type { AugmentationSpec } from '../data/augmentation-fields.ts';
import type { PreprocessingSpec } from '../data/preprocessing-fields.ts';
import type { Stem } from '../models/state.ts';
import type { LabelRuleName } from '../triggers/label-rule.ts';

/** Parameters of the trigger, its `type` naming a line of the trigger registry; `none` is a clean run. */
export type AttackSpec = { readonly type: 'none' } | { readonly type: string; readonly [parameter: string]: unknown };

/** Parameters of a defence, its `type` naming a line of the registry of defences. */
export interface DefenseSpec {
  readonly type: string;
  readonly [parameter: string]: unknown;
}

export interface TrainingSpec {
  readonly optimizer: 'adam' | 'sgd';
  readonly learningRate: number;
  /** SGD's momentum in [0, 1); 0 for Adam. */
  readonly momentum: number;
  /** L2 penalty added to the gradient, as PyTorch's `weight_decay`. */
  readonly weightDecay: number;
  readonly epochs: number;
  readonly batchSize: number;
  /** Left out: `train`. See train/train.ts. */
  readonly modeAfterFirstEpoch?: 'train' | 'eval' | undefined;
}

export interface RunSpec {
  /** A line of the registry, or the path of an image folder with its options: see core/references.ts. */
  readonly dataset: string;
  /** A line of the registry, or the path of an ONNX file. */
  readonly model: string;
  readonly init: 'pretrained' | 'random';
  /** `paper`, `head`, `none`, `paper-code` or `from:<n>`: see models/freeze.ts. */
  readonly freeze: string;
  /** Side of the model's square input in pixels. */
  readonly inputSize: number;
  /** Left out: `kept`, the pretrained first convolution. See models/state.ts. */
  readonly stem?: Stem | undefined;
  /** How many test images are taken, evenly by class; left out: `all`. */
  readonly testLimit?: 'all' | number | undefined;
  /** Which triggered test images `asr` is over; left out: `others`, those of other classes than the target. `all`: every one. */
  readonly asrOver?: 'others' | 'all' | undefined;
  /** What differs from the neutral chain: see data/preprocessing-fields.ts. */
  readonly preprocessing?: Partial<PreprocessingSpec> | undefined;
  /** What is done to the training images, batch by batch: see data/augmentation-fields.ts. */
  readonly augmentation?: Partial<AugmentationSpec> | undefined;
  readonly attack: AttackSpec;
  /** Share of the training images that are poisoned, in [0, 1]; 0 for clean runs. */
  readonly poisonRate: number;
  /** The class that triggered images are to be taken for; 0 for clean runs and where every class has its own (all-to-all). */
  readonly targetClass: number;
  /** Which images are poisoned and what they are to be taken for; undefined: all-to-one. */
  readonly labels?: LabelRuleName | undefined;
  /** The attacked classes in ascending order, of a source-specific attack. */
  readonly sources?: readonly number[] | undefined;
  /** Share of the training images, of classes that a source-specific attack leaves alone, that carry the trigger with their own label; undefined: 0. */
  readonly coverRate?: number | undefined;
  /** Undefined: the poisoned rows are chosen once. `per-batch`: anew, the first rows of each batch. */
  readonly poisonSet?: 'fixed' | 'per-batch' | undefined;
  readonly training: TrainingSpec;
  /** What is done about the trained network: the run is then about the same run without it, its base. Undefined: nothing. */
  readonly defense?: DefenseSpec | undefined;
  /** Decides initialisation, shuffling, dropout and which rows are poisoned. */
  readonly seed: number;
}

/** A run with its identity and that of its clean twin (same seed, schedule and model without the attack). */
export interface PlannedRun {
  readonly runId: string;
  readonly spec: RunSpec;
  /** The clean twin's id; undefined for clean and for defended runs. */
  readonly twinId?: string;
  /** Of a defended run: the id of the same run without the defence. */
  readonly baseId?: string;
  /** What is kept of its weights beyond what others need; no part of its identity. Undefined: `none`. */
  readonly keepWeights?: KeepWeights;
}

/** Which weights a store keeps besides those of clean runs: none, all, or the last checkpoint of runs that failed. */
export type KeepWeights = 'failed' | 'all';
