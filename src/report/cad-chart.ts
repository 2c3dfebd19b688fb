// Clean accuracy drop as dots with bars: one row per setting, one symbol per model.
import * as Plot from '@observablehq/plot';
import { aggregate } from '../analysis/aggregate.ts';
import { compareFactor, factorsAcross, factorTitle, formatFactor, isClean } from '../analysis/factors.ts';
import { shareOf } from '../analysis/intervals.ts';
import type { RunRecord } from '../store/records.ts';
import { type Chart, finish, legend, strokeOf, svgDocument, symbolOf } from './chart-frame.ts';

const ROW = 22;
/** More rows than these are put together by what matters most for clean images. */
const MAX_ROWS = 60;
const COARSE = ['dataset', 'attack', 'poisonRate'];

/** What the attack costs on clean images, in percentage points; undefined when no attacked run is done. */
export function cadChart(runs: readonly RunRecord[]): Chart | undefined {
  const attacked = runs.filter((run) => run.status === 'done' && !isClean(run.spec) && run.metrics?.cad != null);
  if (attacked.length === 0) return undefined;
  const names = factorsAcross(attacked.map((run) => run.spec)).varying.filter((name) => name !== 'model');
  const fine = names.length > 0 ? names : ['attack'];
  const coarse = aggregate(attacked, fine).length > MAX_ROWS;
  const shown = coarse ? COARSE : fine;
  const rows = aggregate(attacked, shown).sort(
    (a, b) => shown.map((name) => compareFactor(a.key[name], b.key[name])).find((order) => order !== 0) ?? 0,
  );
  const labels = rows.map((row) => shown.map((name) => formatFactor(name, row.key[name])).join(' · '));
  const models = aggregate(attacked, ['model'])
    .map((group) => String(group.key.model))
    .sort();
  const series = models.map((label, model) => ({ label, model, variant: 0 }));
  const points = rows.flatMap((row, at) =>
    aggregate(row.runs, ['model']).flatMap((group) => {
      const cad = shareOf(group, 'cad');
      const dot = { model: models.indexOf(String(group.key.model)), label: labels[at] };
      return cad ? [{ ...dot, mean: 100 * cad.mean, low: 100 * cad.low, high: 100 * cad.high, kind: cad.kind }] : [];
    }),
  );
  const heading = shown.map(factorTitle).join(' · ');
  const marginLeft = 24 + 6.6 * Math.max(...[...labels, heading].map((label) => label.length));
  const width = Math.max(560, marginLeft + 420);
  const document = svgDocument();
  const key = legend(series, width - 16);
  const marginTop = key.height + 34;
  const spread = Math.min(5, 10 / models.length);
  const svg = Plot.plot({
    document,
    width,
    height: marginTop + rows.length * ROW + 52,
    marginTop,
    marginBottom: 52,
    marginLeft,
    marginRight: 24,
    x: {
      domain: [Math.min(0, ...points.map((point) => point.low)), Math.max(0, ...points.map((point) => point.high))],
      nice: true,
    },
    y: { type: 'band', domain: labels, label: null },
    marks: [
      Plot.gridX({ strokeOpacity: 0.12 }),
      Plot.ruleX([0], { strokeOpacity: 0.6 }),
      Plot.axisX({
        label: 'clean accuracy drop (percentage points)',
        labelAnchor: 'center',
        labelArrow: 'none',
        labelOffset: 42,
        tickFormat: (value: number) => String(value).replace('-', '−'),
      }),
      Plot.axisY({ tickSize: 0, label: null }),
      Plot.text([heading], {
        frameAnchor: 'top-left',
        textAnchor: 'end',
        dx: -10,
        dy: -14,
        fontWeight: 600,
      }),
      ...series.map((one) => {
        const data = points.filter((point) => point.model === one.model);
        const dy = spread * (one.model - (models.length - 1) / 2) * 2;
        return [
          Plot.link(data, {
            x1: 'low',
            x2: 'high',
            y1: 'label',
            y2: 'label',
            dy,
            stroke: strokeOf(one),
            strokeWidth: 1.5,
            strokeOpacity: 0.7,
          }),
          Plot.dot(data, { x: 'mean', y: 'label', dy, r: 3.5, symbol: symbolOf(one), fill: strokeOf(one) }),
        ];
      }),
    ],
  });
  const title = 'Clean accuracy drop by setting';
  const means = points.map((point) => point.mean);
  const description = `${rows.length} settings; drops from ${Math.min(...means).toFixed(1)} to ${Math.max(...means).toFixed(1)} percentage points.`;
  const kinds = new Set(points.map((point) => point.kind));
  const caption = [
    'Accuracy of the clean twin minus that of the attacked model on untouched test images: above 0 the attack costs accuracy.',
    kinds.has('sd') && !coarse ? 'Bars are mean ± one sample standard deviation over seeds.' : '',
    coarse ? 'Too many settings for a row each: bars are mean ± one standard deviation over settings and seeds.' : '',
    kinds.has('images')
      ? `Bars ${kinds.has('sd') ? 'of settings with one seed ' : ''}are 95 % Newcombe intervals, wider than need be as both models see the same images.`
      : '',
  ];
  return {
    name: 'clean-accuracy-drop',
    title,
    caption: caption.filter(Boolean).join(' '),
    svg: finish(svg, document, { title, description }, key.draw(document)),
  };
}
