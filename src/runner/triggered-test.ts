// The test images of a run with its trigger on each, and how often a network falls for it.
import { type Dataset, everyRow } from '../data/dataset.ts';
import { type AttackSuccess, attackSuccess } from '../metrics/attack-success.ts';
import type { Runtime } from '../runtime/node.ts';
import type { RunSpec } from '../spec/run-spec.ts';
import type { Network } from '../train/network.ts';
import { type TriggeredSource, withTrigger } from '../train/poisoned-set.ts';
import { predict, type TrainedState } from '../train/predict.ts';
import type { Trigger } from '../triggers/trigger.ts';
import { ruleOf } from './run-poison.ts';

export interface TriggeredTest {
  readonly triggered: TriggeredSource;
  /** Attack success of a state of the run's network, or of one with the same preprocessing, over what the run's `asrOver` says. */
  success(network: Network, state: TrainedState): Promise<AttackSuccess>;
}

export async function triggeredTest(
  runtime: Runtime,
  { preprocessing: input }: Network,
  dataset: Dataset,
  trigger: Trigger,
  spec: RunSpec,
): Promise<TriggeredTest> {
  const { test } = dataset;
  const rule = ruleOf(spec, dataset);
  const triggered = await withTrigger(test, trigger, everyRow(test), { seed: spec.seed, split: 'test', input });
  return {
    triggered,
    async success(network, state) {
      const found = attackSuccess(await predict(runtime, network, state, triggered), test.labels, rule);
      if (spec.asrOver !== 'all') return found;
      const counted = test.labels.filter((label) => rule.goal(label) !== undefined).length;
      return { ...found, asr: found.asrInclusive, counted };
    },
  };
}
