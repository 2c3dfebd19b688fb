// The paper's figures 3 to 12: attack success against ε, one line per model, one panel per trigger size, one figure per
// position and colour (attacks without a size: one panel per attack).
import * as Plot from '@observablehq/plot';
import { aggregate, type RunGroup } from '../analysis/aggregate.ts';
import {
  compareFactor,
  type FactorValue,
  factorsAcross,
  factorTitle,
  formatFactor,
  isClean,
} from '../analysis/factors.ts';
import { type ShareEstimate, shareOf } from '../analysis/intervals.ts';
import type { RunRecord } from '../store/records.ts';
import { naturalOf, type Point, seriesMarks, ticksThatFit } from './asr-chart.ts';
import { type Chart, finish, legend, slug, svgDocument } from './chart-frame.ts';

/** Panels beside each other: the trigger's size, or the attack where there is none. */
const INSIDE = ['model', 'size', 'dataset', 'poisonRate'];
/** More figures than these are left to the CSV file. */
export const MAX_RATE_FIGURES = 60;

/**
 * One figure per position, colour and whatever else varies. Empty where at most one poisoning rate was run. `all` is how
 * many figures there would be without the limit.
 */
export function ratePanels(runs: readonly RunRecord[]): { charts: Chart[]; all: number } {
  const attacked = runs.filter((run) => run.status === 'done' && !isClean(run.spec) && run.metrics?.asr != null);
  const { varying } = factorsAcross(attacked.map((run) => run.spec));
  if (!varying.includes('poisonRate')) return { charts: [], all: 0 };
  const sized = attacked.filter((run) => 'size' in run.spec.attack);
  const others = attacked.filter((run) => !('size' in run.spec.attack));
  const outside = varying.filter((name) => !INSIDE.includes(name));
  const groups = [
    ...sortedGroups(sized, outside).map((group) => ({ group, column: 'size', names: outside })),
    ...sortedGroups(
      others,
      outside.filter((name) => name !== 'attack'),
    ).map((group) => ({
      ...{ group, column: 'attack', names: outside.filter((name) => name !== 'attack') },
    })),
  ];
  const models = levels(attacked, 'model');
  const charts = groups.slice(0, MAX_RATE_FIGURES).map(({ group, column, names }) => {
    const where = names.flatMap((name) => {
      const value = group.key[name];
      return value === null || value === undefined ? [] : [`${factorTitle(name)} ${formatFactor(name, value)}`];
    });
    return draw(group.runs, column, where.join(', '), models);
  });
  return { charts, all: groups.length };
}

function sortedGroups(runs: readonly RunRecord[], names: readonly string[]): RunGroup[] {
  return aggregate(runs, names).sort(
    (a, b) => names.map((name) => compareFactor(a.key[name], b.key[name])).find((order) => order !== 0) ?? 0,
  );
}

function levels(runs: readonly RunRecord[], name: string): FactorValue[] {
  return aggregate(runs, [name])
    .map((group) => group.key[name])
    .sort(compareFactor);
}

function draw(runs: readonly RunRecord[], column: string, where: string, models: readonly FactorValue[]): Chart {
  const label = (value: FactorValue) => (column === 'size' ? `size ${formatFactor('size', value)}` : String(value));
  const [columns, rows] = [levels(runs, column), levels(runs, 'dataset')];
  const byModel = new Map(aggregate(runs, ['model']).map((group) => [group.key.model, group.runs]));
  const series = models.map((model, at) => ({
    ...{ label: String(model), model: at, variant: 0 },
    points: pointsOf(byModel.get(model) ?? [], column, label),
  }));
  const document = svgDocument();
  const panel = { width: columns.length > 3 ? 180 : 230, height: 180 };
  const width = Math.max(520, 64 + columns.length * panel.width + (rows.length > 1 ? 90 : 24));
  const key = legend(series, width - 16);
  const marginTop = key.height + 46;
  const rates = levels(runs, 'poisonRate').map(Number);
  const svg = Plot.plot({
    document,
    width,
    height: marginTop + rows.length * panel.height + 52,
    ...{ marginTop, marginBottom: 52, marginLeft: 64, marginRight: rows.length > 1 ? 90 : 24 },
    x: { type: 'sqrt', domain: [0, Math.max(...rates)], insetLeft: 8, insetRight: 12 },
    y: { domain: [0, 1], insetTop: 6, insetBottom: 6 },
    fx: { domain: columns.map(label), label: null, padding: 0.08, axis: 'top' },
    fy: { domain: rows.map(String), label: null, padding: 0.12, axis: rows.length > 1 ? 'right' : null },
    facet: { data: series.flatMap((one) => one.points), x: 'column', y: 'row' },
    marks: [
      Plot.frame({ stroke: 'currentColor', strokeOpacity: 0.2 }),
      Plot.gridY([0.25, 0.5, 0.75], { strokeOpacity: 0.12 }),
      Plot.axisY([0, 0.25, 0.5, 0.75, 1], {
        ...{ label: 'attack success rate (%)', labelAnchor: 'center', labelArrow: 'none' },
        tickFormat: (share: number) => String(100 * share),
      }),
      Plot.axisX(ticksThatFit(rates, panel.width), {
        label: 'poisoning rate ε (% of training images, square-root scale)',
        ...{ labelAnchor: 'center', labelArrow: 'none', labelOffset: 42 },
        tickFormat: (share: number) => String(Number((100 * share).toPrecision(6))),
      }),
      ...series.map((one, at) => seriesMarks(one, one.points, 4 * (at - (series.length - 1) / 2))),
    ],
  });
  const title = ['ASR against ε by size', where].filter(Boolean).join(': ');
  const description = series
    .flatMap(({ label: name, points }) => {
      const measured = points.filter((point) => point.rate > 0);
      if (measured.length === 0) return [];
      const best = measured.reduce((a, b) => (b.mean > a.mean ? b : a));
      return [
        `${name}: up to ${(100 * best.mean).toFixed(1)} % (${best.column}, ε ${formatFactor('poisonRate', best.rate)}).`,
      ];
    })
    .join(' ');
  return {
    name: slug(`rate ${column === 'size' ? '' : 'attacks '}${where}`),
    title: column === 'size' ? title : title.replace('by size', 'by attack'),
    caption: description,
    svg: finish(svg, document, { title, description }, key.draw(document)),
  };
}

function pointsOf(runs: readonly RunRecord[], column: string, label: (value: FactorValue) => string): Point[] {
  return aggregate(runs, [column, 'dataset']).flatMap((panel) => {
    const place = { column: label(panel.key[column]), row: String(panel.key.dataset) };
    const at = (rate: number, estimate: ShareEstimate | undefined): Point[] =>
      estimate ? [{ rate, mean: estimate.mean, low: estimate.low, high: estimate.high, ...place }] : [];
    const measured = aggregate(panel.runs, ['poisonRate']).flatMap((group) =>
      at(Number(group.key.poisonRate), shareOf(group, 'asr')),
    );
    return [...at(0, naturalOf(panel)), ...measured].sort((a, b) => a.rate - b.rate);
  });
}
