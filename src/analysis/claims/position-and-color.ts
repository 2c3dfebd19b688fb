// Claims 2 and 6: whether place and colour of the trigger matter, and whether one of them is best everywhere.
import { type FactorValue, formatFactor, keyOf } from '../factors.ts';
import type { SeedEstimate } from '../mean-interval.ts';
import type { Observation } from '../observations.ts';
import { type ClaimTest, type Finding, judge, meanAsr, missing, onDataset, overSeeds, valuesOf } from './claim.ts';
import { hasValue, pairedDifference, shareAsr } from './contrasts.ts';

const CORNERS = new Set<FactorValue>(['top-left', 'top-right', 'bottom-left', 'bottom-right']);
const inCorner = (one: Observation) => CORNERS.has(one.factors.position);
const inMiddle = hasValue('position', 'middle');
const POINTS = { unit: 'percentage points' } as const;

/** The larger of two places' difference that counts as none. */
const EQUIVALENT = 0.05;

interface Pair {
  readonly a: FactorValue;
  readonly b: FactorValue;
  readonly context: string;
  readonly estimate: SeedEstimate;
}

/** Differences between all pairs of levels of a factor, in each dataset and model, intervals corrected for their number. */
function pairs(observations: readonly Observation[], name: string, byContext: boolean): Pair[] {
  const contextOf = (one: Observation) => (byContext ? `${one.factors.dataset}, ${one.factors.model}` : '');
  const contexts = [...new Set(observations.map(contextOf))];
  const levels = valuesOf(observations, name);
  const all = contexts.flatMap((context) =>
    levels.flatMap((a, i) => levels.slice(i + 1).map((b) => ({ context, a, b }))),
  );
  return all.flatMap(({ context, a, b }) => {
    const own = observations.filter((one) => contextOf(one) === context);
    const estimate = overSeeds(
      own,
      (seed) => pairedDifference(seed, name, hasValue(name, a), hasValue(name, b), shareAsr),
      all.length,
    );
    return estimate ? [{ a, b, context, estimate }] : [];
  });
}

const percent = (share: number) => 100 * share;
const scaled = ({ interval }: SeedEstimate) => interval && { low: percent(interval.low), high: percent(interval.high) };

function describe(name: string, { a, b, context }: Pair): string {
  return `${formatFactor(name, a)} minus ${formatFactor(name, b)}${context ? ` on ${context}` : ''}`;
}

/** Supported by two levels that change places between two contexts; contradicted by a level that is best in all. */
function noneIsBest(observations: readonly Observation[], name: string): Finding {
  const own = observations.filter((one) => one.factors[name] != null && one.asr !== null);
  const contexts = new Set(own.map((one) => keyOf([one.factors.dataset, one.factors.model])));
  if (valuesOf(own, name).length < 2 || contexts.size < 2) {
    return missing(`Needs at least two levels of ${name} under two models or datasets.`);
  }
  const found = pairs(own, name, true);
  const above = (pair: Pair) => (pair.estimate.interval?.low ?? -1) > 0;
  const below = (pair: Pair) => (pair.estimate.interval?.high ?? 1) < 0;
  const runs = own.map((one) => one.id);
  const seeds = Math.max(0, ...found.map((pair) => pair.estimate.seeds));
  for (const pair of found.filter(above)) {
    const reversed = found.find((other) => below(other) && keyOf([pair.a, pair.b]) === keyOf([other.a, other.b]));
    if (!reversed) continue;
    const effect = { ...POINTS, label: describe(name, pair), value: percent(pair.estimate.value) };
    const reason = `It is the other way round on ${reversed.context}: ${percent(reversed.estimate.value).toFixed(1)} points.`;
    return { verdict: 'supported', reason, effect, interval: scaled(pair.estimate), p: null, seeds, runs };
  }
  const best = valuesOf(own, name).find((level) =>
    found
      .filter((pair) => [pair.a, pair.b].some((value) => keyOf([value]) === keyOf([level])))
      .every((pair) => (keyOf([pair.a]) === keyOf([level]) ? above(pair) : below(pair))),
  );
  const widest = [...found].sort((x, y) => Math.abs(y.estimate.value) - Math.abs(x.estimate.value))[0];
  if (!widest) return missing('The runs do not allow an estimate.');
  const effect = { ...POINTS, label: describe(name, widest), value: percent(widest.estimate.value) };
  const rest = { effect, interval: scaled(widest.estimate), p: null, seeds, runs };
  return best === undefined
    ? {
        verdict: 'undecided',
        reason: 'No two levels change places for certain, and none is best everywhere for certain.',
        ...rest,
      }
    : {
        verdict: 'contradicted',
        reason: `${formatFactor(name, best)} is best under every model and dataset here.`,
        ...rest,
      };
}

/** The mean ASR of some runs against a bound. */
function level(own: readonly Observation[], claimed: 'above' | 'below', bound: number, label: string): Finding {
  if (own.length === 0) return missing('No such runs.');
  return judge(overSeeds(own, meanAsr), claimed, { label, unit: '%' }, own, { bound, scale: 100 });
}

export const positionAndColor: readonly ClaimTest[] = [
  {
    id: '2a',
    statement: 'No position is best under every model and dataset.',
    test: ({ attacks }) => noneIsBest(attacks, 'position'),
  },
  {
    id: '2b',
    statement: 'No colour is best under every model and dataset.',
    test: ({ attacks }) => noneIsBest(attacks, 'color'),
  },
  {
    id: '2c',
    statement: 'On MNIST and CIFAR10 the middle is worse than the corners.',
    test({ attacks }) {
      const own = onDataset(attacks, 'mnist', 'cifar10');
      if (!own.some(inMiddle) || !own.some(inCorner))
        return missing('Needs MNIST or CIFAR10 with the middle and a corner.');
      const estimate = overSeeds(own, (seed) => pairedDifference(seed, 'position', inMiddle, inCorner, shareAsr));
      return judge(estimate, 'below', { label: 'middle minus corners', ...POINTS }, own, { scale: 100 });
    },
  },
  {
    id: '2d',
    statement: 'On MNIST and CIFAR10 the corners are alike (within 5 points) for triggers under 8 %.',
    test({ attacks }) {
      const own = onDataset(attacks, 'mnist', 'cifar10').filter(
        (one) => inCorner(one) && Number(one.factors.size) < 0.08,
      );
      if (valuesOf(own, 'position').length < 2)
        return missing('Needs MNIST or CIFAR10, two corners and sizes under 8 %.');
      const found = pairs(own, 'position', false);
      const [widest] = [...found].sort((x, y) => Math.abs(y.estimate.value) - Math.abs(x.estimate.value));
      if (!widest?.estimate.interval) return missing('Needs at least two seeds.');
      const inside = found.every(
        ({ estimate: { interval } }) => interval && Math.max(-interval.low, interval.high) < EQUIVALENT,
      );
      const outside = found.some(
        ({ estimate: { interval } }) => interval && (interval.low > EQUIVALENT || interval.high < -EQUIVALENT),
      );
      const reason = inside
        ? 'Every difference lies within 5 points.'
        : outside
          ? 'One difference lies beyond 5 points.'
          : 'The intervals reach beyond 5 points.';
      return {
        verdict: inside ? 'supported' : outside ? 'contradicted' : 'undecided',
        reason,
        effect: { ...POINTS, label: describe('position', widest), value: percent(widest.estimate.value) },
        interval: scaled(widest.estimate),
        p: null,
        seeds: widest.estimate.seeds,
        runs: own.map((one) => one.id),
      };
    },
  },
  {
    id: '2e',
    statement: 'On TinyImageNet triggers in corners fail (mean ASR below 10 %).',
    test: ({ attacks }) =>
      level(onDataset(attacks, 'tiny-imagenet').filter(inCorner), 'below', 0.1, 'mean ASR in corners'),
  },
  {
    id: '2f',
    statement: 'Black triggers in MNIST’s corners fail (mean ASR below 10 %).',
    test({ attacks }) {
      const black = hasValue('color', 'black');
      const own = onDataset(attacks, 'mnist').filter((one) => inCorner(one) && black(one));
      return level(own, 'below', 0.1, 'mean ASR of black in corners');
    },
  },
  {
    id: '2g',
    statement: 'Green is the best colour in TinyImageNet’s middle.',
    test({ attacks }) {
      const own = onDataset(attacks, 'tiny-imagenet').filter(inMiddle);
      return againstOthers(own, 'green');
    },
  },
  {
    id: '2h',
    statement: 'White beats other colours for GoogLeNet on CIFAR10 when small (under 8 %).',
    test({ attacks }) {
      const own = onDataset(attacks, 'cifar10').filter(
        (one) => String(one.factors.model).startsWith('googlenet') && Number(one.factors.size) < 0.08,
      );
      return againstOthers(own, 'white');
    },
  },
  {
    id: '6',
    statement: 'The position of the trigger matters, though networks are translation invariant.',
    test({ attacks }) {
      const own = attacks.filter((one) => one.factors.position != null && one.asr !== null);
      if (valuesOf(own, 'position').length < 2) return missing('Needs at least two positions.');
      const found = pairs(own, 'position', false);
      const clear = ({ estimate: { interval } }: Pair) => interval !== null && (interval.low > 0 || interval.high < 0);
      const byWidth = [...found].sort((x, y) => Math.abs(y.estimate.value) - Math.abs(x.estimate.value));
      const shown = byWidth.find(clear) ?? byWidth[0];
      if (!shown?.estimate.interval) return missing('Needs at least two seeds.');
      const alike = found.every(
        ({ estimate: { interval } }) => interval && Math.max(-interval.low, interval.high) < 0.02,
      );
      const matters = found.some(clear);
      return {
        verdict: alike ? 'contradicted' : matters ? 'supported' : 'undecided',
        reason: alike
          ? 'All positions lie within 2 points of each other.'
          : matters
            ? 'Two positions differ for certain.'
            : 'No two positions differ for certain.',
        effect: { ...POINTS, label: describe('position', shown), value: percent(shown.estimate.value) },
        interval: scaled(shown.estimate),
        p: null,
        seeds: shown.estimate.seeds,
        runs: own.map((one) => one.id),
      };
    },
  },
];

function againstOthers(own: readonly Observation[], color: string): Finding {
  const chosen = hasValue('color', color);
  const others = valuesOf(own, 'color').filter((value) => value !== color);
  if (!own.some(chosen) || others.length === 0) return missing(`No such runs with ${color} and another colour.`);
  const found = others.flatMap((other) => {
    const estimate = overSeeds(
      own,
      (seed) => pairedDifference(seed, 'color', chosen, hasValue('color', other), shareAsr),
      others.length,
    );
    return estimate ? [{ other, estimate }] : [];
  });
  const [closest] = found.sort((x, y) => x.estimate.value - y.estimate.value);
  const label = `${color} minus ${formatFactor('color', closest?.other)}`;
  return { ...judge(closest?.estimate, 'above', { label, ...POINTS }, own, { scale: 100 }), p: null };
}
