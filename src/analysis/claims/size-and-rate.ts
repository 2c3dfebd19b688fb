// Claims 1, 3 and 4: what the trigger's size and the poisoning rate do to attack success and to clean accuracy.
import { designOf } from '../design.ts';
import type { Observation } from '../observations.ts';
import { ShapleyModel } from '../shapley.ts';
import { type ClaimTest, datasetKind, type Evidence, judge, missing, overSeeds, valuesOf } from './claim.ts';
import { accuracyDrop, log2Of, logitAsr, type Measure, shareAsr, slopes } from './contrasts.ts';

/** Attacks with a size, where both size and rate vary. */
function sized({ attacks }: Evidence): Observation[] | undefined {
  const own = attacks.filter((one) => typeof one.factors.size === 'number');
  return valuesOf(own, 'size').length > 1 && valuesOf(own, 'poisonRate').length > 1 ? own : undefined;
}

const NEEDS = 'Needs at least two sizes and two poisoning rates.';
const log2Size = log2Of('size');
const log2Rate = log2Of('poisonRate');

/** Change of the measure when ε doubles (log2) or grows by one percentage point. */
function rateSlope(observations: readonly Observation[], y: Measure, per: 'doubling' | 'point'): number | undefined {
  const number = per === 'doubling' ? log2Rate : (one: Observation) => 100 * Number(one.factors.poisonRate);
  return slopes(observations, y, [number], ['poisonRate'])?.[0];
}

function cadSlopes(observations: readonly Observation[], name: string, value: unknown): number | undefined {
  return rateSlope(
    observations.filter((one) => one.factors[name] === value),
    accuracyDrop,
    'point',
  );
}

export const sizeAndRate: readonly ClaimTest[] = [
  {
    id: '1a',
    statement: 'Doubling the trigger’s size raises attack success more than doubling the poisoning rate.',
    test(evidence) {
      const own = sized(evidence);
      if (!own) return missing(NEEDS);
      const estimate = overSeeds(own, (seed) => {
        const both = slopes(seed, logitAsr, [log2Size, log2Rate], ['size', 'poisonRate']);
        return both && both[0] - both[1];
      });
      return judge(estimate, 'above', { label: 'size minus ε, per doubling', unit: 'log-odds' }, own);
    },
  },
  {
    id: '1b',
    statement: 'Size explains more of the variance of attack success than the poisoning rate.',
    test(evidence) {
      const own = sized(evidence);
      if (!own) return missing(NEEDS);
      const estimate = overSeeds(own, (seed) => {
        const design = designOf(seed, 'asr');
        const names = design.factors.map((factor) => factor.name);
        if (!names.includes('size') || !names.includes('poisonRate') || names.length > 10) return undefined;
        const { shares } = new ShapleyModel(design).effects();
        return shares[names.indexOf('size')] - shares[names.indexOf('poisonRate')];
      });
      return judge(
        estimate,
        'above',
        { label: 'Shapley share of size minus that of ε', unit: 'share of variance' },
        own,
      );
    },
  },
  {
    id: '1c',
    statement: 'The larger the trigger, the less the poisoning rate matters.',
    test(evidence) {
      const own = sized(evidence);
      if (!own) return missing(NEEDS);
      const centre = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
      const [size, rate] = [centre(own.map(log2Size)), centre(own.map(log2Rate))];
      const product = (one: Observation) => (log2Size(one) - size) * (log2Rate(one) - rate);
      const estimate = overSeeds(
        own,
        (seed) => slopes(seed, shareAsr, [log2Size, log2Rate, product], ['size', 'poisonRate'])?.[2],
      );
      const label = 'change of ASR per doubling of ε, when the size doubles';
      return judge(estimate, 'below', { label, unit: 'percentage points' }, own, { scale: 100 });
    },
  },
  {
    id: '3',
    statement: 'Attack success rises with the poisoning rate.',
    test({ attacks }) {
      if (valuesOf(attacks, 'poisonRate').length < 2) return missing('Needs at least two poisoning rates.');
      const estimate = overSeeds(attacks, (seed) => rateSlope(seed, logitAsr, 'doubling'));
      return judge(estimate, 'above', { label: 'ASR per doubling of ε', unit: 'log-odds' }, attacks);
    },
  },
  {
    id: '4a',
    statement: 'Clean accuracy falls as the poisoning rate grows.',
    test({ attacks }) {
      const own = attacks.filter((one) => one.cad !== null);
      if (valuesOf(own, 'poisonRate').length < 2) return missing('Needs clean twins and at least two poisoning rates.');
      const estimate = overSeeds(own, (seed) => rateSlope(seed, accuracyDrop, 'point'));
      const label = 'clean accuracy drop per percentage point of ε';
      return judge(estimate, 'above', { label, unit: 'percentage points' }, own, { scale: 100 });
    },
  },
  {
    id: '4b',
    statement: 'Clean accuracy falls more for stronger models.',
    test({ attacks }) {
      const own = attacks.filter((one) => one.cad !== null && one.cleanAccuracy !== null);
      if (valuesOf(own, 'poisonRate').length < 2 || valuesOf(own, 'model').length < 2) {
        return missing('Needs clean twins, two models and two poisoning rates.');
      }
      // A model is as strong as its clean twins are right.
      const strength = (model: unknown) => {
        const runs = own.filter((one) => one.factors.model === model);
        return runs.reduce((sum, one) => sum + (one.cleanAccuracy ?? 0) + (one.cad ?? 0), 0) / runs.length;
      };
      const ordered = valuesOf(own, 'model').sort((a, b) => strength(a) - strength(b));
      const [weakest, strongest] = [ordered[0], ordered[ordered.length - 1]];
      const estimate = overSeeds(own, (seed) => {
        const [strong, weak] = [cadSlopes(seed, 'model', strongest), cadSlopes(seed, 'model', weakest)];
        return strong === undefined || weak === undefined ? undefined : strong - weak;
      });
      const label = `drop per percentage point of ε: ${strongest} minus ${weakest}`;
      return judge(estimate, 'above', { label, unit: 'percentage points' }, own, { scale: 100 });
    },
  },
  {
    id: '4c',
    statement: 'Clean accuracy falls more on larger datasets (TinyImageNet against MNIST and CIFAR10).',
    test({ attacks }) {
      const own = attacks.filter((one) => one.cad !== null && datasetKind(one.factors.dataset) !== undefined);
      const large = own.filter((one) => datasetKind(one.factors.dataset) === 'tiny-imagenet');
      if (large.length === 0 || large.length === own.length || valuesOf(own, 'poisonRate').length < 2) {
        return missing('Needs TinyImageNet, MNIST or CIFAR10, and two poisoning rates.');
      }
      const estimate = overSeeds(own, (seed) => {
        const isLarge = (one: Observation) => datasetKind(one.factors.dataset) === 'tiny-imagenet';
        const big = rateSlope(seed.filter(isLarge), accuracyDrop, 'point');
        const small = rateSlope(
          seed.filter((one) => !isLarge(one)),
          accuracyDrop,
          'point',
        );
        return big === undefined || small === undefined ? undefined : big - small;
      });
      const label = 'drop per percentage point of ε: TinyImageNet minus the others';
      return judge(estimate, 'above', { label, unit: 'percentage points' }, own, { scale: 100 });
    },
  },
];
