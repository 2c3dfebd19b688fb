// What a run's spec says of poisoning, bound to its dataset and trigger.
import type { Dataset, ImageSource } from '../data/dataset.ts';
import type { RunSpec } from '../spec/run-spec.ts';
import { type DrawnSource, drawnForBatches } from '../train/drawn-set.ts';
import type { Network } from '../train/network.ts';
import { choosePoison, type PoisonOptions, type Stamp } from '../train/poison.ts';
import { withStamps } from '../train/poisoned-set.ts';
import { type LabelRule, labelRule } from '../triggers/label-rule.ts';
import type { Trigger } from '../triggers/trigger.ts';

export function ruleOf({ labels, targetClass, sources }: RunSpec, { classes }: Pick<Dataset, 'classes'>): LabelRule {
  return labelRule({ labels, target: targetClass, sources, classes: classes.length });
}

function poisonOptions(spec: RunSpec, dataset: Dataset, { noise }: Trigger): PoisonOptions {
  const { poisonRate: rate, coverRate, seed } = spec;
  return {
    rule: ruleOf(spec, dataset),
    rate,
    coverRate,
    noisePerAttack: noise?.perAttack,
    noisePixels: noise?.pixels,
    seed,
  };
}

/** The changes to the training set; undefined where they are drawn for every batch. */
export function stampsOf(spec: RunSpec, dataset: Dataset, trigger: Trigger): Stamp[] | undefined {
  if (spec.poisonSet === 'per-batch') return undefined;
  return choosePoison(dataset.train.labels, poisonOptions(spec, dataset, trigger));
}

/** The training images with those of the run's seed poisoned. `stamps`: as `stampsOf` gives them. */
export async function poisonedTraining(
  spec: RunSpec,
  dataset: Dataset,
  trigger: Trigger,
  { preprocessing: input }: Network,
  stamps: readonly Stamp[] | undefined,
): Promise<ImageSource | DrawnSource> {
  const { train } = dataset;
  if (!stamps) return drawnForBatches(train, trigger, poisonOptions(spec, dataset, trigger), input);
  return withStamps(train, trigger, stamps, { seed: spec.seed, split: 'train', input });
}
