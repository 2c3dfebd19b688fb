// Which characteristic matters, with what certainty: variance decomposition of a response over the factors, and checks.
import { Rng } from '../core/rng.ts';
import { type Anova, AnovaModel, testOf } from './anova.ts';
import { type Design, designOf } from './design.ts';
import { type ForestCheck, forestCheck } from './forest.ts';
import type { Interval } from './intervals.ts';
import { benjaminiHochberg, holm } from './multiplicity.ts';
import type { Observation, ResponseName } from './observations.ts';
import { FEWEST_BLOCKS, percentileInterval, type Resample, resamples } from './resample.ts';
import { MAX_SHAPLEY_FACTORS, ShapleyModel } from './shapley.ts';

export interface Estimate {
  readonly value: number;
  /** 95 %, by bootstrap over seeds; null with fewer than three seeds. */
  readonly interval: Interval | null;
}

export interface AttributedTerm {
  /** One factor, or two for their interaction. */
  readonly factors: readonly string[];
  readonly df: number;
  readonly sumSq: number;
  readonly f: number | null;
  readonly p: number | null;
  /** Adjusted over all terms of this table. */
  readonly pHolm: number | null;
  readonly pBenjaminiHochberg: number | null;
  readonly partialEtaSquared: Estimate;
  readonly omegaSquared: Estimate;
}

export interface ShapleyEffect {
  readonly factor: string;
  readonly share: Estimate;
}

export interface Attribution {
  readonly response: ResponseName;
  /** `logit` for ASR (empirical logit, natural logarithm), `identity` for CAD. */
  readonly scale: 'logit' | 'identity';
  readonly observations: number;
  readonly seeds: number;
  readonly factors: readonly { readonly name: string; readonly levels: readonly unknown[] }[];
  readonly terms: readonly AttributedTerm[];
  readonly blocks: { readonly df: number; readonly sumSq: number };
  readonly residual: { readonly df: number; readonly sumSq: number };
  readonly total: { readonly df: number; readonly sumSq: number };
  /** Empty where there are too many factors. */
  readonly shapley: readonly ShapleyEffect[];
  readonly unexplained: number | null;
  readonly forest: ForestCheck | null;
  /** What to know before believing it. */
  readonly notes: readonly string[];
}

/** Undefined where nothing varies, or fewer than four observations have the response. */
export function attribute(
  observations: readonly Observation[],
  response: ResponseName,
  only?: readonly string[],
): Attribution | undefined {
  const design = designOf(observations, response, only);
  if (design.factors.length === 0 || design.y.length < 4) return undefined;
  const draws = resamples(design.blocks.length, Rng.of(0, 'attribution', response));
  let model = new AnovaModel(design);
  let anova = model.fit();
  if (anova.residual.df <= 0 && model.interactions) {
    model = new AnovaModel(design, { interactions: false });
    anova = model.fit();
  }
  const shapley = design.factors.length <= MAX_SHAPLEY_FACTORS ? new ShapleyModel(design) : undefined;
  return {
    response,
    scale: response === 'asr' ? 'logit' : 'identity',
    observations: design.y.length,
    seeds: design.blocks.length,
    factors: design.factors.map(({ name, levels }) => ({ name, levels })),
    terms: attributedTerms(anova, model, draws, shapley?.noise),
    blocks: anova.blocks,
    residual: anova.residual,
    total: anova.total,
    ...shapleyEffects(design, shapley, draws),
    forest: forestCheck(design) ?? null,
    notes: notesOf(design, model, anova),
  };
}

function attributedTerms(
  anova: Anova,
  model: AnovaModel,
  draws: readonly Resample[],
  noise: number | undefined,
): AttributedTerm[] {
  const tests = anova.terms.map((term) => testOf(term, anova));
  const tested = tests.flatMap((test, at) => (test.p === null ? [] : [at]));
  const p = tested.map((at) => tests[at].p ?? 1);
  const [byHolm, byBh] = [holm(p), benjaminiHochberg(p)];
  const adjusted = (values: number[], at: number) => (tested.includes(at) ? values[tested.indexOf(at)] : null);
  const again = draws.map(({ counts, weight }) => {
    const drawn = counts.reduce((sum, count) => sum + count, 0);
    const repeated = counts.reduce((sum, count) => sum + count ** 2, 0) / drawn;
    const fit = model.fit(counts);
    // Seeds drawn twice repeat their noise: what chance explains grows with the sum of squared weights.
    const chance = noise === undefined ? undefined : noise * repeated;
    return { weight, tests: fit.terms.map((term) => testOf(term, fit, chance)) };
  });
  const weights = again.map((one) => one.weight);
  return anova.terms.map((term, at) => {
    const test = tests[at];
    const interval = (name: 'partialEtaSquared' | 'omegaSquared') =>
      percentileInterval(
        again.map((one) => one.tests[at][name]),
        weights,
      ) ?? null;
    return {
      ...term,
      f: test.f,
      p: test.p,
      pHolm: adjusted(byHolm, at),
      pBenjaminiHochberg: adjusted(byBh, at),
      partialEtaSquared: { value: test.partialEtaSquared, interval: interval('partialEtaSquared') },
      omegaSquared: { value: test.omegaSquared, interval: interval('omegaSquared') },
    };
  });
}

function shapleyEffects(
  design: Design,
  model: ShapleyModel | undefined,
  draws: readonly Resample[],
): { shapley: ShapleyEffect[]; unexplained: number | null } {
  if (!model) return { shapley: [], unexplained: null };
  const { shares, unexplained } = model.effects();
  // Freed from chance, a factor that does nothing comes out on either side of zero.
  const bounded = (share: number) => Math.min(1, Math.max(0, share));
  const again = draws.map(({ counts }) => model.effects(counts).shares.map(bounded));
  const weights = draws.map((draw) => draw.weight);
  const shapley = design.factors.map(({ name }, at) => ({
    factor: name,
    share: {
      value: bounded(shares[at]),
      interval:
        percentileInterval(
          again.map((one) => one[at]),
          weights,
        ) ?? null,
    },
  }));
  return { shapley, unexplained };
}

function notesOf(design: Design, model: AnovaModel, anova: Anova): string[] {
  const notes = design.aliases.map(
    ({ name, of }) => `${name} varies only together with ${of}: one effect, shown as ${of}.`,
  );
  if (design.leftOut > 0) notes.push(`${design.leftOut} observations lack the response or a factor and are left out.`);
  if (design.blocks.length < FEWEST_BLOCKS) {
    notes.push(`${design.blocks.length} seed${design.blocks.length > 1 ? 's' : ''}: intervals need at least three.`);
  } else if (design.blocks.length < 5) {
    notes.push(
      `${design.blocks.length} seeds: bootstrap intervals over so few are narrower than they should be; five or more are better.`,
    );
  }
  if (!model.interactions && design.factors.length > 1) {
    notes.push('Too few observations, or too many levels, for interactions: main effects only.');
  }
  if (anova.residual.df <= 0) notes.push('Nothing is left to compare effects with: no F tests.');
  return notes;
}
