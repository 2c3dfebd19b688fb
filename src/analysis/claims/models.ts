// Claims 5 and 7: capacity, AlexNet and its freeze boundary, and training from scratch.

import { sizeOf } from '../../core/tensor.ts';
import { describeArchitecture } from '../../models/architecture.ts';
import { models } from '../../models/registry.ts';
import { type FactorValue, formatFactor } from '../factors.ts';
import type { Observation } from '../observations.ts';
import { type ClaimTest, type Finding, judge, meanAsr, missing, overSeeds, valuesOf } from './claim.ts';
import { hasValue, logitAsr, type Measure, pairedDifference, shareAsr, slopes } from './contrasts.ts';

/** Names under which published results speak of the paper's networks. */
const PUBLISHED: Record<string, string> = { vgg: 'vgg19_bn', resnet: 'resnet152' };

const counted = new Map<string, number | undefined>();

/** Weights of a network with ImageNet's classes; undefined for one that the registry does not know. */
function weightsOf(value: FactorValue): number | undefined {
  const name = PUBLISHED[String(value)] ?? String(value).split('@')[0];
  if (!counted.has(name)) {
    const model = models.has(name) ? models.get(name) : undefined;
    const parameters = model && describeArchitecture(model.architecture, model.inputSize, 1000).parameters;
    counted.set(
      name,
      parameters?.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    );
  }
  return counted.get(name);
}

const isAlexnet = (one: Observation) => String(one.factors.model).startsWith('alexnet');

/** Mean ASR by freeze boundary of AlexNet, from the last parameter to the first. */
function boundaries(own: readonly Observation[]): { from: number; freeze: FactorValue }[] {
  return valuesOf(own, 'freeze')
    .flatMap((freeze) => {
      const from = /^from:(\d+)$/.exec(String(freeze))?.[1];
      return from === undefined ? [] : [{ from: Number(from), freeze }];
    })
    .sort((a, b) => b.from - a.from);
}

/** Supported where AlexNet lies below every other model, contradicted where it lies above one. */
function mostRobust(attacks: readonly Observation[]): Finding {
  const others = valuesOf(attacks, 'model').filter((model) => !String(model).startsWith('alexnet'));
  if (!attacks.some(isAlexnet) || others.length === 0) return missing('Needs AlexNet and another model.');
  const found = others.flatMap((other) => {
    const difference = (seed: readonly Observation[], y: Measure) =>
      pairedDifference(seed, 'model', isAlexnet, hasValue('model', other), y);
    const estimate = overSeeds(attacks, (seed) => difference(seed, logitAsr), others.length);
    return estimate ? [{ other, estimate }] : [];
  });
  const [closest] = found.sort((a, b) => b.estimate.value - a.estimate.value);
  const label = `AlexNet minus ${formatFactor('model', closest?.other)}`;
  return { ...judge(closest?.estimate, 'below', { label, unit: 'log-odds' }, attacks), p: null };
}

export const capacity: readonly ClaimTest[] = [
  {
    id: '5a',
    statement: 'AlexNet is the most robust model.',
    test: ({ attacks }) => mostRobust(attacks),
  },
  {
    id: '5b',
    statement: 'Models with more weights are more vulnerable.',
    test({ attacks }) {
      const own = attacks.filter((one) => weightsOf(one.factors.model) !== undefined);
      if (valuesOf(own, 'model').length < 3) return missing('Needs at least three models of known size.');
      const weights = (one: Observation) => Math.log2(weightsOf(one.factors.model) ?? Number.NaN);
      // The models' own columns would take all of the slope; what follows from a model is left out with them.
      const estimate = overSeeds(own, (seed) => slopes(seed, logitAsr, [weights], ['model', 'inputSize'])?.[0]);
      return judge(estimate, 'above', { label: 'ASR per doubling of the weights', unit: 'log-odds' }, own);
    },
  },
  {
    id: '5c',
    statement: 'AlexNet’s backdoor appears only once a certain parameter is trained.',
    test({ attacks }) {
      const own = attacks.filter((one) => isAlexnet(one) && one.asr !== null);
      const steps = boundaries(own);
      if (steps.length < 2) return missing('Needs AlexNet with two or more freeze boundaries (from:<n>).');
      const jumps = steps.slice(1).flatMap(({ from, freeze }, at) => {
        const before = steps[at];
        const estimate = overSeeds(
          own,
          (seed) =>
            pairedDifference(seed, 'freeze', hasValue('freeze', freeze), hasValue('freeze', before.freeze), shareAsr),
          steps.length - 1,
        );
        return estimate ? [{ from, before, estimate }] : [];
      });
      const [largest] = jumps.sort((a, b) => b.estimate.value - a.estimate.value);
      const label = largest ? `from:${largest.from} minus from:${largest.before.from}` : '';
      const found = judge(largest?.estimate, 'above', { label, unit: 'percentage points' }, own, { scale: 100 });
      const still = largest && meanAsr(own.filter(hasValue('freeze', largest.before.freeze)));
      if (found.verdict !== 'supported' || still === undefined || still < 0.1) return { ...found, p: null };
      const reason = `It grows there, but ASR is ${(100 * still).toFixed(1)} % before already.`;
      return { ...found, p: null, verdict: 'contradicted', reason };
    },
  },
  {
    id: '7',
    statement: 'Training from scratch makes the backdoor easier than transfer learning.',
    test({ attacks }) {
      const inits = valuesOf(attacks, 'init');
      if (inits.length < 2) return missing('Needs runs with init: pretrained and init: random.');
      const estimate = overSeeds(attacks, (seed) =>
        pairedDifference(
          // From scratch nothing is frozen: the two differ in freezing as well, which is part of the claim.
          seed.map(({ factors: { freeze: _, ...factors }, ...one }) => ({ ...one, factors })),
          'init',
          hasValue('init', 'random'),
          hasValue('init', 'pretrained'),
          logitAsr,
        ),
      );
      return judge(estimate, 'above', { label: 'from scratch minus pretrained', unit: 'log-odds' }, attacks);
    },
  },
];
