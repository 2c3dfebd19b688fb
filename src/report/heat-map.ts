// Position × size as heat maps: mean ASR in every cell, one panel per model and ε, one figure per dataset and colour.
import * as Plot from '@observablehq/plot';
import { aggregate } from '../analysis/aggregate.ts';
import { compareFactor, type FactorValue, factorsAcross, factorTitle, formatFactor } from '../analysis/factors.ts';
import type { RunRecord } from '../store/records.ts';
import { type Chart, finish, slug, svgDocument } from './chart-frame.ts';

const INSIDE = ['position', 'size', 'model', 'poisonRate'];
export const MAX_HEAT_MAPS = 30;
/** Of the ink's colour, so that the numbers on it stay readable in both themes. */
const STRONGEST = 0.6;

/** Empty where position or size does not vary. */
export function heatMaps(runs: readonly RunRecord[]): Chart[] {
  const attacked = runs.filter(
    (run) => run.status === 'done' && run.metrics?.asr != null && 'position' in run.spec.attack,
  );
  const { varying } = factorsAcross(attacked.map((run) => run.spec));
  if (!varying.includes('position') || !varying.includes('size')) return [];
  const outside = varying.filter((name) => !INSIDE.includes(name));
  return aggregate(attacked, outside)
    .sort((a, b) => outside.map((name) => compareFactor(a.key[name], b.key[name])).find((order) => order !== 0) ?? 0)
    .slice(0, MAX_HEAT_MAPS)
    .map((group) => {
      const where = outside.map((name) => `${factorTitle(name)} ${formatFactor(name, group.key[name])}`).join(', ');
      return draw(group.runs, where);
    });
}

function draw(runs: readonly RunRecord[], where: string): Chart {
  const levels = (name: string): FactorValue[] =>
    aggregate(runs, [name])
      .map((group) => group.key[name])
      .sort(compareFactor);
  const shown = (name: string) => levels(name).map((value) => formatFactor(name, value));
  const cells = aggregate(runs, INSIDE).flatMap(({ key, metrics }) =>
    metrics.asr
      ? [
          {
            position: formatFactor('position', key.position),
            size: formatFactor('size', key.size),
            model: String(key.model),
            rate: `ε ${formatFactor('poisonRate', key.poisonRate)}`,
            asr: metrics.asr.mean,
          },
        ]
      : [],
  );
  const [positions, sizes, models] = [shown('position'), shown('size'), levels('model').map(String)];
  const rates = shown('poisonRate').map((rate) => `ε ${rate}`);
  const document = svgDocument();
  const marginLeft = 24 + 6.9 * Math.max(...positions.map((text) => text.length));
  const marginRight = 24 + 6.9 * Math.max(...models.map((text) => text.length));
  const svg = Plot.plot({
    document,
    width: Math.max(520, marginLeft + marginRight + rates.length * (sizes.length * 46 + 16)),
    height: 40 + models.length * (positions.length * 30 + 16) + 48,
    ...{ marginTop: 40, marginBottom: 48, marginLeft, marginRight },
    x: { type: 'band', domain: sizes, padding: 0.04 },
    y: { type: 'band', domain: positions, padding: 0.06 },
    fx: { domain: rates, label: null, padding: 0.06 },
    fy: { domain: models, label: null, padding: 0.08 },
    marks: [
      Plot.axisX({
        label: 'size of the trigger',
        labelAnchor: 'center',
        labelArrow: 'none',
        labelOffset: 40,
        tickSize: 0,
      }),
      Plot.axisY({ label: null, tickSize: 0 }),
      Plot.cell(cells, {
        ...{ x: 'size', y: 'position', fx: 'rate', fy: 'model', fill: 'var(--series-1)', stroke: 'currentColor' },
        ...{ fillOpacity: (cell: { asr: number }) => STRONGEST * cell.asr, strokeOpacity: 0.15 },
      }),
      Plot.text(cells, {
        ...{ x: 'size', y: 'position', fx: 'rate', fy: 'model' },
        text: (cell: { asr: number }) => (100 * cell.asr).toFixed(0),
      }),
    ],
  });
  const best = cells.reduce((a, b) => (b.asr > a.asr ? b : a));
  const title = ['Mean ASR by position and size', where].filter(Boolean).join(': ');
  const description = `In per cent, over seeds. Highest: ${(100 * best.asr).toFixed(1)} % with ${best.position}, size ${best.size}, ${best.rate}, ${best.model}.`;
  return {
    name: slug(`heat ${where}`),
    title,
    caption: description,
    svg: finish(svg, document, { title, description }),
  };
}
