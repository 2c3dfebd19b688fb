// Attribution, claims and power as tables.
import type { AttributedTerm, Attribution, Estimate } from '../analysis/attribution.ts';
import type { ClaimResult, Verdict } from '../analysis/claims/index.ts';
import { factorTitle } from '../analysis/factors.ts';
import type { Interval } from '../analysis/intervals.ts';
import type { PowerAnalysis, RepeatsNeeded } from '../analysis/power.ts';
import type { DataCell, DataTable } from './data-table.ts';

const RESPONSE = { asr: 'ASR (logit)', cad: 'clean accuracy drop' } as const;
const right = { align: 'right' } as const;

/** `size × ε`. */
export function termName(factors: readonly string[]): string {
  return factors.map(factorTitle).join(' × ');
}

/** Analysis of variance: a line per term, the largest effect first, then seeds and the rest. */
export function anovaTable(scope: string, { response, terms, blocks, residual, total, notes }: Attribution): DataTable {
  const ordered = [...terms].sort((a, b) => b.omegaSquared.value - a.omegaSquared.value);
  const rest = (text: string, { df, sumSq }: { df: number; sumSq: number }): DataCell[] => [
    { text, mark: 'quiet' },
    number(df, 0),
    significant(sumSq),
    ...Array.from({ length: 9 }, () => ({ text: '', value: null })),
  ];
  return {
    name: `anova-${response}-${scope}`.replace(/[^a-z0-9]+/g, '-'),
    caption: `What explains the ${RESPONSE[response]} of ${scope}: type II analysis of variance`,
    columns: [
      { name: 'term', title: 'term' },
      { name: 'df', title: 'df', ...right },
      { name: 'sumSq', title: 'sum of squares', ...right },
      { name: 'f', title: 'F', ...right },
      { name: 'p', title: 'p', ...right },
      { name: 'pHolm', title: 'p (Holm)', ...right },
      { name: 'pBenjaminiHochberg', title: 'p (BH)', ...right },
      { name: 'partialEtaSquared', title: 'partial η²', ...right },
      { name: 'partialEtaSquaredInterval', title: '95 %', ...right },
      { name: 'omegaSquared', title: 'ω²', ...right },
      { name: 'omegaSquaredInterval', title: '95 %', ...right },
      { name: 'share', title: 'share of all %', ...right },
    ],
    rows: [...ordered.map((term) => termRow(term, total.sumSq)), rest('seed', blocks), rest('the rest', residual)],
    notes: [
      ...notes,
      'Intervals: bootstrap over seeds. ω² is the share of all variance, freed from what chance explains.',
    ],
  };
}

function termRow(term: AttributedTerm, total: number): DataCell[] {
  return [
    { text: termName(term.factors), value: term.factors.join(':') },
    number(term.df, 0),
    significant(term.sumSq),
    number(term.f, 1),
    pCell(term.p),
    pCell(term.pHolm),
    pCell(term.pBenjaminiHochberg),
    number(term.partialEtaSquared.value, 3),
    intervalCell(term.partialEtaSquared.interval, 3),
    number(term.omegaSquared.value, 3),
    intervalCell(term.omegaSquared.interval, 3),
    number(total > 0 ? (100 * term.sumSq) / total : 0, 1),
  ];
}

/** Shapley effects beside the forest's importances: one line per factor. */
export function importanceTable(scope: string, { response, shapley, forest, unexplained }: Attribution): DataTable {
  const ordered = [...shapley].sort((a, b) => b.share.value - a.share.value);
  const notes = [
    unexplained === null ? '' : `Left to chance and to what depends on the seed: ${(100 * unexplained).toFixed(1)} %.`,
    forest
      ? `The forest predicts ${number(100 * forest.rSquared, 1).text} % of the variance of seeds it has not seen (${forest.folds} left out in turn).`
      : '',
  ];
  return {
    name: `importance-${response}-${scope}`.replace(/[^a-z0-9]+/g, '-'),
    caption: `How much of the ${RESPONSE[response]} of ${scope} each factor accounts for, interactions included`,
    columns: [
      { name: 'factor', title: 'factor' },
      { name: 'shapley', title: 'Shapley effect %', ...right },
      { name: 'shapleyInterval', title: '95 %', ...right },
      { name: 'permutationImportance', title: 'permutation importance', ...right },
      { name: 'permutationRange', title: 'over seeds', ...right },
    ],
    rows: ordered.map(({ factor, share }) => {
      const check = forest?.importances.find((one) => one.factor === factor);
      return [
        { text: factorTitle(factor), value: factor },
        number(100 * share.value, 1),
        intervalCell(share.interval && { low: 100 * share.interval.low, high: 100 * share.interval.high }, 1),
        number(check?.importance ?? null, 3),
        intervalCell(check ?? null, 3),
      ];
    }),
    notes: notes.filter(Boolean),
  };
}

const MARKS: Record<Verdict, DataCell['mark']> = { supported: 'good', contradicted: 'bad', undecided: 'quiet' };

/** The claims that the runs bear on, each with its verdict. */
export function claimsTable(claims: readonly ClaimResult[]): DataTable {
  return {
    name: 'claims',
    caption: 'The claims of “SoK: backdoor attacks”, tested on these runs',
    columns: [
      { name: 'claim', title: 'claim' },
      { name: 'statement', title: 'statement' },
      { name: 'verdict', title: 'verdict' },
      { name: 'effect', title: 'effect', ...right },
      { name: 'interval', title: '95 %', ...right },
      { name: 'unit', title: 'unit' },
      { name: 'measure', title: 'of what' },
      { name: 'reason', title: 'why' },
      { name: 'pHolm', title: 'p (Holm)', ...right },
      { name: 'runs', title: 'runs', ...right },
    ],
    rows: claims
      .filter((claim) => claim.effect !== null)
      .map((claim) => [
        { text: claim.id },
        { text: claim.statement },
        { text: claim.verdict, mark: MARKS[claim.verdict] },
        number(claim.effect?.value ?? null, 2),
        intervalCell(claim.interval, 2),
        { text: claim.effect?.unit ?? '' },
        { text: claim.effect?.label ?? '' },
        { text: claim.reason },
        pCell(claim.pHolm),
        number(claim.runs.length, 0),
      ]),
    notes: [
      'A verdict says where the 95 % interval over seeds lies: on the side of the claim, on the other side, or on both.',
      'Each claim is tested at 95 % by itself; p (Holm) holds for all of them together.',
    ],
  };
}

/** The claims that these runs cannot speak about, with what is missing; undefined when there are none. */
export function openClaimsTable(claims: readonly ClaimResult[]): DataTable | undefined {
  const open = claims.filter((claim) => claim.effect === null);
  if (open.length === 0) return undefined;
  return {
    name: 'claims-not-tested',
    caption: 'Claims that these runs do not bear on: undecided',
    columns: [
      { name: 'claim', title: 'claim' },
      { name: 'statement', title: 'statement' },
      { name: 'reason', title: 'what it takes' },
    ],
    rows: open.map((claim) => [{ text: claim.id }, { text: claim.statement }, { text: claim.reason }]),
    notes: [],
  };
}

export function powerTable(power: readonly PowerAnalysis[]): DataTable {
  return {
    name: 'power',
    caption: 'Repeats of each of two settings that find a difference with a probability of 80 % (t test at 5 %)',
    columns: [
      { name: 'response', title: 'measure' },
      { name: 'effect', title: 'difference, points', ...right },
      { name: 'repeats', title: 'repeats', ...right },
      { name: 'repeatsNoisy', title: 'in a noisy setting', ...right },
    ],
    rows: power.flatMap(({ response, needed }) =>
      needed.map(({ effect, typical, noisy }) => [
        { text: response.toUpperCase(), value: response },
        number(100 * effect, 0),
        repeatsCell(typical),
        repeatsCell(noisy),
      ]),
    ),
    notes: power.map(
      ({ response, sd, highSd, settings }) =>
        `${response.toUpperCase()}: standard deviation between seeds ${(100 * sd).toFixed(2)} points over ${settings} settings; ${(100 * highSd).toFixed(2)} in a noisy one (nine tenths vary less).`,
    ),
  };
}

function repeatsCell({ repeats }: RepeatsNeeded): DataCell {
  return repeats === null ? { text: 'over 1000', value: null } : number(repeats, 0);
}

function number(value: number | null, digits: number): DataCell {
  if (value === null || Number.isNaN(value)) return { text: '–', value: null };
  return {
    text: value
      .toFixed(digits)
      .replace('-', '−')
      .replace(/^−(0\.?0*)$/, '$1'),
    value,
  };
}

function significant(value: number): DataCell {
  return { text: value === 0 ? '0' : String(Number(value.toPrecision(3))), value };
}

function pCell(p: number | null): DataCell {
  if (p === null) return { text: '–', value: null };
  return { text: p < 0.0001 ? '< 0.0001' : p.toFixed(4), value: p };
}

function intervalCell(interval: Interval | null, digits: number): DataCell {
  if (!interval) return { text: '–', value: null };
  const text = `[${number(interval.low, digits).text}, ${number(interval.high, digits).text}]`;
  return { text, value: `${interval.low} ${interval.high}` };
}

/** For charts: the mean with its interval, or alone. */
export function boundsOf({ value, interval }: Estimate): Interval {
  return interval ?? { low: value, high: value };
}
