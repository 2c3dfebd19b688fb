// ASR and clean accuracy against the freeze boundary: how much of a network has to be trained before a backdoor takes.
import * as Plot from '@observablehq/plot';
import { aggregate, type RunGroup } from '../analysis/aggregate.ts';
import {
  compareFactor,
  type FactorValue,
  factorsOf,
  factorTitle,
  formatFactor,
  isClean,
  varyingFactors,
} from '../analysis/factors.ts';
import { shareOf } from '../analysis/intervals.ts';
import { splitVersion } from '../core/references.ts';
import { describeArchitecture } from '../models/architecture.ts';
import { models } from '../models/registry.ts';
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

/** With fewer boundaries there is no course to see. */
const FEWEST = 3;
const MAX_CHARTS = 12;
/** Colours and symbols, times dashes, that one chart can tell apart. */
const MAX_COLORS = 6;

/** What has a line or a panel of its own; everything else that varies has a chart of its own. */
const INSIDE = ['freeze', 'dataset', 'size', 'poisonRate', 'inputSize'];
const MEASURES = [
  { name: 'asr', label: 'ASR (%)' },
  { name: 'cleanAccuracy', label: 'clean accuracy (%)' },
] as const;

interface Point extends PanelPoint {
  readonly boundary: number;
}

/** The number of `from:<n>`; undefined for other policies. */
function boundaryOf(freeze: FactorValue): number | undefined {
  const number = /^from:(\d+)$/.exec(String(freeze))?.[1];
  return number === undefined ? undefined : Number(number);
}

/** One figure per model, and per whatever else varies; none where fewer than three boundaries were run. */
export function freezeCharts(runs: readonly RunRecord[]): Chart[] {
  const attacked = runs.filter(
    ({ status, spec, metrics }) =>
      status === 'done' && !isClean(spec) && metrics?.asr != null && boundaryOf(spec.freeze) !== undefined,
  );
  const outside = varyingFactors(attacked.map((run) => run.spec)).filter((name) => !INSIDE.includes(name));
  const names = outside.includes('model') ? outside : ['model', ...outside];
  return aggregate(attacked, names)
    .sort((a, b) => names.map((name) => compareFactor(a.key[name], b.key[name])).find((order) => order !== 0) ?? 0)
    .filter((group) => aggregate(group.runs, ['freeze']).length >= FEWEST)
    .slice(0, MAX_CHARTS)
    .map((group) => draw(group, names));
}

function levels(runs: readonly RunRecord[], name: string): FactorValue[] {
  return aggregate(runs, [name])
    .map((group) => group.key[name])
    .sort(compareFactor);
}

function draw({ key, runs }: RunGroup, names: readonly string[]): Chart {
  const [sizes, rates, datasets] = [levels(runs, 'size'), levels(runs, 'poisonRate'), levels(runs, 'dataset')];
  const byColor = sizes.length <= MAX_COLORS && rates.length <= MAX_VARIANTS;
  const lines = aggregate(runs, ['size', 'poisonRate'])
    .sort((a, b) => compareFactor(a.key.size, b.key.size) || compareFactor(a.key.poisonRate, b.key.poisonRate))
    .map((line, at) => {
      const size = line.key.size === null ? [] : [`size ${formatFactor('size', line.key.size)}`];
      const series: Series = {
        label: [...size, `ε ${formatFactor('poisonRate', line.key.poisonRate)}`].join(', '),
        model: byColor ? sizes.indexOf(line.key.size) : at,
        variant: byColor ? rates.indexOf(line.key.poisonRate) : Math.floor(at / MAX_COLORS),
      };
      return { ...series, points: pointsOf(line.runs) };
    });
  const boundaries = [...new Set(lines.flatMap((line) => line.points.map((point) => point.boundary)))];
  boundaries.sort((a, b) => b - a);
  const marks = landmarks(String(key.model), runs[0]).filter(
    ({ boundary }) => boundary >= boundaries[boundaries.length - 1],
  );
  const document = svgDocument();
  const panel = { width: datasets.length > 2 ? 280 : 400, height: 200 };
  const width = Math.max(560, 64 + datasets.length * panel.width + 136);
  const words = legend(lines, width - 16);
  const marginTop = words.height + 46;
  const svg = Plot.plot({
    document,
    width,
    height: marginTop + MEASURES.length * panel.height + 52,
    ...{ marginTop, marginBottom: 52, marginLeft: 64, marginRight: 136 },
    x: { domain: [boundaries[0], boundaries[boundaries.length - 1]], insetLeft: 12, insetRight: 12 },
    y: { domain: [0, 1], insetTop: 6, insetBottom: 6 },
    fx: { domain: datasets.map(String), label: null, padding: 0.08, axis: datasets.length > 1 ? 'top' : null },
    fy: { domain: MEASURES.map(({ label }) => label), label: null, padding: 0.12, axis: 'right' },
    facet: { data: lines.flatMap((line) => line.points), x: 'column', y: 'row' },
    marks: [
      Plot.frame({ stroke: 'currentColor', strokeOpacity: 0.2 }),
      Plot.gridY([0.25, 0.5, 0.75], { strokeOpacity: 0.12 }),
      Plot.ruleX(marks, {
        x: 'boundary',
        stroke: 'currentColor',
        strokeOpacity: 0.45,
        strokeDasharray: '2 4',
      }),
      Plot.axisY([0, 0.25, 0.5, 0.75, 1], {
        label: null,
        tickFormat: (share: number) => String(100 * share),
      }),
      Plot.axisX(boundaries, {
        label: 'first trained parameter (the network is trained from here to its end)',
        ...{ labelAnchor: 'center', labelArrow: 'none', labelOffset: 42, tickFormat: String },
      }),
      ...lines.map((line) => lineMarks(line)),
    ],
  });
  const where = names.flatMap((name) => {
    const value = key[name];
    return value === null || value === undefined ? [] : [`${factorTitle(name)} ${formatFactor(name, value)}`];
  });
  const title = `ASR and clean accuracy against the freeze boundary: ${where.join(', ')}`;
  const description = lines.map((line) => jumpOf(line.label, line.points)).join(' ');
  const landmarkText = marks.map(({ boundary, what }) => `${boundary} ${what}`).join(', ');
  const caption = [
    'From left to right more of the network is trained; means over seeds, bars ± one standard deviation.',
    landmarkText === '' ? '' : `Dotted: ${landmarkText}.`,
    description,
  ];
  return {
    name: slug(`freeze ${where.join(' ')}`),
    title,
    caption: caption.filter(Boolean).join(' '),
    svg: finish(svg, document, { title, description }, words.draw(document)),
  };
}

function lineMarks(line: Series & { readonly points: readonly Point[] }): Plot.Markish[] {
  const place = { fx: 'column', fy: 'row' } as const;
  const data = [...line.points];
  return [
    Plot.line(data, {
      ...{ ...place, x: 'boundary', y: 'mean', z: null },
      ...{ stroke: strokeOf(line), strokeWidth: 1.8, strokeDasharray: dashOf(line) },
    }),
    Plot.link(data, {
      ...place,
      x1: 'boundary',
      x2: 'boundary',
      y1: 'low',
      y2: 'high',
      stroke: strokeOf(line),
      strokeOpacity: 0.6,
    }),
    Plot.dot(data, { ...place, x: 'boundary', y: 'mean', r: 3, symbol: symbolOf(line), fill: strokeOf(line) }),
  ];
}

function pointsOf(runs: readonly RunRecord[]): Point[] {
  return aggregate(runs, ['dataset', 'freeze'])
    .flatMap((group) =>
      MEASURES.flatMap(({ name, label }): Point[] => {
        const estimate = shareOf(group, name);
        const boundary = boundaryOf(group.key.freeze);
        if (!estimate || boundary === undefined) return [];
        const { mean, low, high } = estimate;
        return [{ boundary, mean, low, high, column: String(group.key.dataset), row: label }];
      }),
    )
    .sort((a, b) => compareFactor(a.column, b.column) || b.boundary - a.boundary);
}

/** Where the largest step of ASR lies, in words. */
function jumpOf(label: string, points: readonly Point[]): string {
  const steps = [...new Set(points.map((point) => point.column))].flatMap((column) => {
    const own = points.filter((point) => point.column === column && point.row === MEASURES[0].label);
    return own
      .slice(1)
      .map((point, at) => ({ column, from: own[at].boundary, to: point.boundary, by: point.mean - own[at].mean }));
  });
  if (steps.length === 0) return '';
  const { from, to, by, column } = steps.reduce((a, b) => (b.by > a.by ? b : a));
  return `${label}: the largest step of ASR is ${(100 * by).toFixed(1)} points, from ${from} to ${to} (${column}).`;
}

/** Boundaries with a meaning: where the dense layers begin that the paper's text trains, and what its authors' programs train. */
function landmarks(model: string, { spec }: RunRecord): { boundary: number; what: string }[] {
  const name = splitVersion(model).model;
  if (!models.has(name)) return [];
  const { architecture } = models.get(name);
  const { parameters } = describeArchitecture(architecture, Number(factorsOf(spec).inputSize), 2);
  const order = parameters.map((parameter) => parameter.name);
  const text = order.findIndex((parameter) => parameter.startsWith(architecture.paperPrefix));
  const code = order.indexOf(architecture.paperCode?.(order)[0] ?? '');
  return [
    ...(text < 0 ? [] : [{ boundary: text, what: `${order[text].split('.')[0]} begins` }]),
    ...(code < 0 || code === text || architecture.head === order[text].replace(/\.\w+$/, '')
      ? []
      : [{ boundary: code, what: 'where the authors’ programs begin' }]),
  ];
}
