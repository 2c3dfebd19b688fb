// The paper's figure 13: Fine-Pruning against its rate, four figures per point, a panel per attack; attack success above, accuracy below.
import * as Plot from '@observablehq/plot';
import { aggregate } from '../analysis/aggregate.ts';
import { compareFactor, factorsAcross, factorTitle, formatFactor } from '../analysis/factors.ts';
import type { RunRecord } from '../store/records.ts';
import { type Chart, finish, legend, type PanelPoint, slug, strokeOf, svgDocument, symbolOf } from './chart-frame.ts';
import { doneUnderDefence, STAGES, stageFigure } from './defense-figures.ts';

const INSIDE = ['defense.rate', 'attack'];
const ROWS = [
  { share: 'asr', title: 'attack success' },
  { share: 'cleanAccuracy', title: 'clean accuracy' },
] as const;

interface Point extends PanelPoint {
  readonly rate: number;
}

/** One chart for each setting besides rate and attack; empty where fewer than two rates were run. */
export function pruningCharts(runs: readonly RunRecord[]): Chart[] {
  const pruned = doneUnderDefence(runs).filter(
    ({ spec, metrics }) => spec.defense?.type === 'fine-pruning' && metrics?.asr != null,
  );
  const { varying } = factorsAcross(pruned.map(({ spec }) => spec));
  if (!varying.includes('defense.rate')) return [];
  // What differs between attacks only tells them apart once more.
  const attacks = aggregate(pruned, ['attack', 'defense']);
  const within = new Set(attacks.flatMap((group) => factorsAcross(group.runs.map(({ spec }) => spec)).varying));
  const outside = varying.filter((name) => !INSIDE.includes(name) && within.has(name));
  return aggregate(pruned, ['defense', ...outside])
    .sort((a, b) => outside.map((name) => compareFactor(a.key[name], b.key[name])).find((order) => order !== 0) ?? 0)
    .map((group) => {
      const where = outside.map((name) => `${factorTitle(name)} ${formatFactor(name, group.key[name])}`).join(', ');
      return draw(group.runs, where);
    });
}

function draw(runs: readonly RunRecord[], where: string): Chart {
  const attacks = aggregate(runs, ['defense', 'attack']).sort((a, b) => compareFactor(a.key.attack, b.key.attack));
  const columns = attacks.map(({ key }) => String(key.attack));
  const series = STAGES.map((stage, at) => ({
    ...{ label: stage.title, model: at, variant: 0 },
    points: attacks.flatMap((attack) => pointsOf(attack.runs, String(attack.key.attack), stage.name)),
  }));
  const rates = [...new Set(series.flatMap(({ points }) => points.map(({ rate }) => rate)))].sort((a, b) => a - b);
  const document = svgDocument();
  const panel = { width: columns.length > 3 ? 190 : 240, height: 180 };
  const width = Math.max(520, 64 + columns.length * panel.width + 110);
  const key = legend(series, width - 16);
  const marginTop = key.height + 46;
  const svg = Plot.plot({
    document,
    width,
    height: marginTop + ROWS.length * panel.height + 52,
    ...{ marginTop, marginBottom: 52, marginLeft: 64, marginRight: 110 },
    x: { domain: [Math.min(...rates), Math.max(...rates)], insetLeft: 12, insetRight: 12 },
    y: { domain: [0, 1], insetTop: 6, insetBottom: 6 },
    fx: { domain: columns, label: null, padding: 0.08, axis: 'top' },
    fy: { domain: ROWS.map(({ title }) => title), label: null, padding: 0.12, axis: 'right' },
    facet: { data: series.flatMap(({ points }) => points), x: 'column', y: 'row' },
    marks: [
      Plot.frame({ stroke: 'currentColor', strokeOpacity: 0.2 }),
      Plot.gridY([0.25, 0.5, 0.75], { strokeOpacity: 0.12 }),
      Plot.axisY([0, 0.25, 0.5, 0.75, 1], {
        ...{ label: '% of test images', labelAnchor: 'center', labelArrow: 'none' },
        tickFormat: (share: number) => String(100 * share),
      }),
      Plot.axisX(rates, {
        ...{ label: 'channels silenced (%)', labelAnchor: 'center', labelArrow: 'none', labelOffset: 42 },
        tickFormat: (share: number) => String(Number((100 * share).toPrecision(6))),
      }),
      ...series.map((one, at) => {
        const stroke = strokeOf(one);
        const place = { fx: 'column', fy: 'row', x: 'rate', dx: 3 * (at - (series.length - 1) / 2) };
        return [
          Plot.ruleX(one.points, { ...place, y1: 'low', y2: 'high', stroke, strokeWidth: 1.5, strokeOpacity: 0.7 }),
          Plot.line(one.points, { ...place, y: 'mean', stroke, strokeWidth: 2 }),
          Plot.dot(one.points, { ...place, y: 'mean', r: 3.2, symbol: symbolOf(one), stroke, fill: stroke }),
        ];
      }),
    ],
  });
  const title = ['Fine-Pruning against its rate', where].filter(Boolean).join(': ');
  const repeated = series.some(({ points }) => points.some(({ low, high }) => high > low));
  const caption = [
    'Four figures per point: as attacked, pruned only, fine-tuned only, and both (after the defence).',
    repeated ? 'Bars are mean ± one sample standard deviation over seeds.' : 'One seed.',
  ].join(' ');
  return {
    name: slug(`fine-pruning ${where}`),
    title,
    caption,
    svg: finish(svg, document, { title, description: describe(series) }, key.draw(document)),
  };
}

function pointsOf(runs: readonly RunRecord[], column: string, stage: (typeof STAGES)[number]['name']): Point[] {
  const byRate = aggregate(runs, ['defense', 'defense.rate']).sort((a, b) =>
    compareFactor(a.key['defense.rate'], b.key['defense.rate']),
  );
  return ROWS.flatMap(({ share, title }) =>
    byRate.flatMap((group): Point[] => {
      const figure = stageFigure(group.runs, stage, share);
      if (!figure) return [];
      const spread = figure.sd ?? 0;
      const [low, high] = [Math.max(0, figure.mean - spread), Math.min(1, figure.mean + spread)];
      return [{ rate: Number(group.key['defense.rate']), mean: figure.mean, low, high, column, row: title }];
    }),
  );
}

function describe(series: readonly { readonly label: string; readonly points: readonly Point[] }[]): string {
  return series
    .flatMap(({ label, points }) => {
      const asr = points.filter(({ row }) => row === ROWS[0].title).map(({ mean }) => 100 * mean);
      if (asr.length === 0) return [];
      return [`${label}: attack success from ${Math.min(...asr).toFixed(1)} % to ${Math.max(...asr).toFixed(1)} %.`];
    })
    .join(' ');
}
