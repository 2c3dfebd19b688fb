// Attack success against poisoning rate: one line per model (and colour), one panel per trigger size and position.
import * as Plot from '@observablehq/plot';
import { aggregate, type RunGroup } from '../analysis/aggregate.ts';
import {
  compareFactor,
  type FactorValue,
  factorsAcross,
  factorTitle,
  formatFactor,
  isClean,
  keyOf,
} from '../analysis/factors.ts';
import { type ShareEstimate, shareOf } from '../analysis/intervals.ts';
import type { RunRecord } from '../store/records.ts';
import {
  type Chart,
  dashOf,
  finish,
  legend,
  MAX_VARIANTS,
  type PanelPoint,
  type Series,
  slug,
  strokeOf,
  svgDocument,
  symbolOf,
} from './chart-frame.ts';

export interface Point extends PanelPoint {
  readonly rate: number;
}

/**
 * ASR against the poisoning rate, natural ASR as the point at 0: one chart per level of the other varying factors.
 * Empty when no attacked run is done.
 */
export function asrCharts(runs: readonly RunRecord[]): Chart[] {
  const attacked = runs.filter((run) => run.status === 'done' && !isClean(run.spec) && run.metrics?.asr != null);
  const { varying } = factorsAcross(attacked.map((run) => run.spec));
  const variantName = levels(attacked, 'color').length <= MAX_VARIANTS ? 'color' : undefined;
  const inside = ['model', 'size', 'position', 'poisonRate', ...(variantName ? [variantName] : [])];
  const outside = varying.filter((name) => !inside.includes(name));
  return aggregate(attacked, outside)
    .sort((a, b) => outside.map((name) => compareFactor(a.key[name], b.key[name])).find((order) => order !== 0) ?? 0)
    .map((part, at, parts) => {
      const where = outside.map((name) => `${factorTitle(name)} ${formatFactor(name, part.key[name])}`).join(', ');
      const chart = drawAsr(part.runs, where, varying.includes(variantName ?? '') ? variantName : undefined);
      return parts.length > 1 ? { ...chart, name: `${chart.name}-${at + 1}` } : chart;
    });
}

function levels(runs: readonly RunRecord[], name: string): FactorValue[] {
  return aggregate(runs, [name])
    .map((group) => group.key[name])
    .sort(compareFactor);
}

function drawAsr(runs: readonly RunRecord[], where: string, variantName: string | undefined): Chart {
  const [models, variants] = [levels(runs, 'model'), variantName ? levels(runs, variantName) : [null]];
  const [columns, rows] = [levels(runs, 'position'), levels(runs, 'size')];
  const bySeries = new Map(
    aggregate(runs, ['model', ...(variantName ? [variantName] : [])]).map((group) => [
      keyOf([group.key.model, variantName ? group.key[variantName] : null]),
      group.runs,
    ]),
  );
  const series = models.flatMap((model, modelAt) =>
    variants.map((variant, variantAt) => ({
      label: [String(model), ...(variantName && variants.length > 1 ? [formatFactor(variantName, variant)] : [])].join(
        ', ',
      ),
      model: modelAt,
      variant: variantAt,
      points: pointsOf(bySeries.get(keyOf([model, variant])) ?? []),
    })),
  );
  const document = svgDocument();
  const panel = { width: columns.length > 3 ? 190 : 280, height: rows.length > 1 ? 170 : 240 };
  const width = Math.max(520, 64 + columns.length * panel.width + 70);
  const key = legend(series, width - 16);
  const marginTop = key.height + (columns.length > 1 ? 46 : 24);
  const rates = levels(runs, 'poisonRate').map(Number);
  const facets = series.flatMap((one) => one.points);
  const svg = Plot.plot({
    document,
    width,
    height: marginTop + rows.length * panel.height + 52,
    marginTop,
    marginBottom: 52,
    marginLeft: 64,
    marginRight: rows.length > 1 ? 70 : 24,
    x: { type: 'sqrt', domain: [0, Math.max(...rates)], insetLeft: 8, insetRight: 12 },
    y: { domain: [0, 1], insetTop: 6, insetBottom: 6 },
    fx: {
      domain: columns.map((value) => formatFactor('position', value)),
      label: null,
      padding: 0.08,
      axis: columns.length > 1 ? 'top' : null,
    },
    fy: {
      domain: rows.map((value) => `size ${formatFactor('size', value)}`),
      label: null,
      padding: 0.12,
      axis: rows.length > 1 ? 'right' : null,
    },
    facet: { data: facets, x: 'column', y: 'row' },
    marks: [
      Plot.frame({ stroke: 'currentColor', strokeOpacity: 0.2 }),
      Plot.gridY([0.25, 0.5, 0.75], { strokeOpacity: 0.12 }),
      Plot.axisY([0, 0.25, 0.5, 0.75, 1], {
        label: 'attack success rate (%)',
        labelAnchor: 'center',
        labelArrow: 'none',
        tickFormat: (share: number) => String(100 * share),
      }),
      Plot.axisX(ticksThatFit(rates, panel.width), {
        label: 'poisoning rate ε (% of training images, square-root scale)',
        labelAnchor: 'center',
        labelArrow: 'none',
        labelOffset: 42,
        tickFormat: (share: number) => String(Number((100 * share).toPrecision(6))),
      }),
      ...series.map((one, at) => seriesMarks(one, one.points, 4 * (at - (series.length - 1) / 2))),
    ],
  });
  const title = ['Attack success rate against poisoning rate', where].filter(Boolean).join(', ');
  return {
    name: slug(['asr', where].filter(Boolean).join(' ')),
    title,
    caption: captionOf(
      runs,
      series.some((one) => one.points.some((point) => point.rate === 0)),
    ),
    svg: finish(svg, document, { title, description: describe(series) }, key.draw(document)),
  };
}

export function seriesMarks(series: Series, points: readonly Point[], dx: number) {
  const data = [...points];
  const stroke = strokeOf(series);
  const place = { fx: 'column', fy: 'row', x: 'rate', dx };
  return [
    Plot.ruleX(data, { ...place, y1: 'low', y2: 'high', stroke, strokeWidth: 1.5, strokeOpacity: 0.7 }),
    Plot.line(data, { ...place, y: 'mean', stroke, strokeWidth: 2, strokeDasharray: dashOf(series) }),
    Plot.dot(data, {
      ...place,
      y: 'mean',
      r: 3.2,
      symbol: symbolOf(series),
      stroke,
      strokeWidth: 1.5,
      fill: (point: Point) => (point.rate === 0 ? 'var(--chart-paper)' : stroke),
    }),
  ];
}

function pointsOf(runs: readonly RunRecord[]): Point[] {
  return aggregate(runs, ['size', 'position']).flatMap((panel) => {
    const at = (rate: number, estimate: ShareEstimate | undefined): Point[] =>
      estimate
        ? [
            {
              rate,
              mean: estimate.mean,
              low: estimate.low,
              high: estimate.high,
              column: formatFactor('position', panel.key.position),
              row: `size ${formatFactor('size', panel.key.size)}`,
            },
          ]
        : [];
    const measured = aggregate(panel.runs, ['poisonRate']).flatMap((group) =>
      at(Number(group.key.poisonRate), shareOf(group, 'asr')),
    );
    return [...at(0, naturalOf(panel)), ...measured].sort((a, b) => a.rate - b.rate);
  });
}

/** Runs that differ in ε only have the same clean twin: each seed counts once. */
export function naturalOf(panel: RunGroup): ShareEstimate | undefined {
  const bySeed = new Map(panel.runs.map((run) => [run.spec.seed, run]));
  return shareOf(aggregate([...bySeed.values()], [])[0], 'naturalAsr');
}

/** 0 and the rates that were run, without those whose labels would touch the next larger one. */
export function ticksThatFit(rates: readonly number[], width: number): number[] {
  const largest = Math.max(...rates);
  const kept: number[] = [];
  let limit = Number.POSITIVE_INFINITY;
  for (const rate of [...rates].sort((a, b) => b - a)) {
    const x = width * 0.85 * Math.sqrt(rate / largest);
    if (x > 24 && limit - x >= 30) {
      kept.unshift(rate);
      limit = x;
    }
  }
  return [0, ...kept];
}

function captionOf(runs: readonly RunRecord[], withNatural: boolean): string {
  const kinds = new Set(
    aggregate(runs, factorsAcross(runs.map((run) => run.spec)).varying).map((g) => shareOf(g, 'asr')?.kind),
  );
  return [
    kinds.has('sd') ? 'Bars are mean ± one sample standard deviation over seeds.' : '',
    kinds.has('images')
      ? `Bars ${kinds.has('sd') ? 'of settings with one seed ' : ''}are 95 % Wilson intervals from the number of attacked test images.`
      : '',
    withNatural
      ? 'Hollow points at ε = 0 are the natural ASR: what the clean twin answers on the same triggered images.'
      : '',
  ]
    .filter(Boolean)
    .join(' ');
}

function describe(series: readonly (Series & { readonly points: readonly Point[] })[]): string {
  return series
    .flatMap(({ label, points }) => {
      const measured = points.filter((point) => point.rate > 0);
      if (measured.length === 0) return [];
      const shares = measured.map((point) => 100 * point.mean);
      const best = measured.reduce((a, b) => (b.mean > a.mean ? b : a));
      return [
        `${label}: from ${Math.min(...shares).toFixed(1)} % to ${Math.max(...shares).toFixed(1)} %, highest at ε = ${formatFactor('poisonRate', best.rate)}, ${best.row}, position ${best.column}.`,
      ];
    })
    .join(' ');
}
