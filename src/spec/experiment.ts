// An experiment after reading and checking, before expansion: blocks of factors, and the rules that change or drop runs.
import type { Fraction } from './fraction.ts';
import type { AdaptiveRepeats } from './repeats.ts';
import type { KeepWeights } from './run-spec.ts';

/** One value of a factor. */
export interface Level {
  /** As the spec gives it. */
  readonly value: unknown;
  /** Canonical JSON of the checked value: equal levels have equal keys however they were written. */
  readonly key: string;
  /** Where it was written, for messages: `quick.yaml:7:9`, `--set seed=1` or `preset corrected`. */
  readonly at: string;
}

/** A factor and its levels; `field` is a path such as `model`, `training.epochs` or `attack.size`. */
export interface Factor {
  readonly field: string;
  readonly levels: readonly Level[];
}

/** A full product of factors for one attack type and one defence under one preset; parameters exist only where these do. */
export interface Block {
  readonly preset: string;
  readonly attackType: string;
  /** `none`, or a line of the registry of defences. */
  readonly defenseType: string;
  readonly factors: readonly Factor[];
  /** Fields that the spec writes: its preset has no say in them. */
  readonly written: ReadonlySet<string>;
  /** The preset's own rules, before those of the spec. */
  readonly presetRules: readonly WhenRule[];
  readonly at: string;
}

/** Names of a field and values, as written in `if`, `then` or `exclude`; `field` is the full path. */
export interface FieldValues {
  readonly field: string;
  readonly at: string;
  readonly levels: readonly Level[];
}

/** `when`: in runs that match every condition, the levels of each field in `then` are replaced. */
export interface WhenRule {
  readonly conditions: readonly FieldValues[];
  readonly then: readonly FieldValues[];
  readonly at: string;
}

/** `exclude`: runs that match every condition are dropped. */
export interface ExcludeRule {
  readonly conditions: readonly FieldValues[];
  readonly at: string;
}

/** `zip`: fields whose lists are gone through together. */
export interface Zip {
  /** Full paths. */
  readonly fields: readonly string[];
  readonly at: string;
}

/** `sample`: so many of the attacked runs that are left after all rules. */
export interface Sample {
  readonly method: 'random' | 'sobol';
  readonly runs: number;
  readonly seed: number;
  readonly at: string;
}

/** `design`: a fraction of the full factorial of two-level factors. */
export interface Design {
  /** The factors' letters, in alphabetical order, and their full paths. */
  readonly letters: readonly string[];
  readonly fields: readonly string[];
  readonly fraction: Fraction;
  /** As written. */
  readonly generators: readonly string[];
  readonly at: string;
}

export interface ExperimentSpec {
  readonly name: string;
  readonly description: string;
  /** Set where the number of seeds depends on what they measure. */
  readonly repeats?: AdaptiveRepeats | undefined;
  readonly keepWeights?: KeepWeights | undefined;
  readonly blocks: readonly Block[];
  readonly zips: readonly Zip[];
  readonly sample: Sample | undefined;
  readonly design: Design | undefined;
  readonly when: readonly WhenRule[];
  readonly exclude: readonly ExcludeRule[];
  /** Whether `--set` changed the spec: a rule may then match nothing without being a slip. */
  readonly overridden: boolean;
}
