// Estimates with their intervals, one row each: attribution, comparisons with published results.
import * as Plot from '@observablehq/plot';
import type { Attribution } from '../analysis/attribution.ts';
import type { Comparison } from '../analysis/external/compare.ts';
import { factorTitle, formatFactor } from '../analysis/factors.ts';
import { boundsOf, termName } from './analysis-tables.ts';
import { type Chart, finish, legend, type Series, slug, strokeOf, svgDocument, symbolOf } from './chart-frame.ts';

interface Row {
  readonly label: string;
  readonly series: number;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

interface Words {
  readonly name: string;
  readonly title: string;
  readonly axis: string;
  readonly caption: string;
}

const ROW_HEIGHT = 26;

/** Shapley effects of the factors, and ω² of the strongest terms, each with its bootstrap interval. */
export function attributionCharts(scope: string, attribution: Attribution): Chart[] {
  const what = attribution.response === 'asr' ? 'attack success (logit of ASR)' : 'clean accuracy drop';
  const percent = (value: number) => 100 * value;
  const shapley = [...attribution.shapley]
    .sort((a, b) => b.share.value - a.share.value)
    .map(({ factor, share }): Row => {
      const { low, high } = boundsOf(share);
      return {
        label: factorTitle(factor),
        series: 0,
        value: percent(share.value),
        low: percent(low),
        high: percent(high),
      };
    });
  const terms = [...attribution.terms]
    .sort((a, b) => b.omegaSquared.value - a.omegaSquared.value)
    .slice(0, 12)
    .map(({ factors, omegaSquared }): Row => {
      const { low, high } = boundsOf(omegaSquared);
      const value = percent(omegaSquared.value);
      return { label: termName(factors), series: 0, value, low: percent(low), high: percent(high) };
    });
  const basis = `${attribution.observations} runs, ${attribution.seeds} seeds; bars are 95 % bootstrap intervals over seeds.`;
  const charts = [
    shapley.length > 0 &&
      drawRows(shapley, [], {
        name: slug(`attribution ${attribution.response} ${scope}`),
        title: `What decides ${what} of ${scope}`,
        axis: 'share of the variance within seeds (%), interactions shared out',
        caption: `Shapley effects. ${basis}`,
      }),
    drawRows(terms, [], {
      name: slug(`terms ${attribution.response} ${scope}`),
      title: `Main effects and interactions: ${what} of ${scope}`,
      axis: 'ω²: share of all variance (%)',
      caption: `The ${terms.length} largest terms of the type II analysis of variance. ${basis}`,
    }),
  ];
  return charts.filter((chart) => chart !== false);
}

/** Ours minus theirs for each setting, by measure. */
export function comparisonChart(source: string, comparisons: readonly Comparison[]): Chart | undefined {
  if (comparisons.length === 0) return undefined;
  const measures = [...new Set(comparisons.map((one) => one.measure))];
  const rows = comparisons.slice(0, 120).map(({ setting, measure, difference, interval }): Row => {
    const words = Object.entries(setting).flatMap(([name, value]) =>
      value === null ? [] : [formatFactor(name, value)],
    );
    const { low, high } = interval ?? { low: difference, high: difference };
    return {
      label: words.join(' · '),
      series: measures.indexOf(measure),
      value: 100 * difference,
      low: 100 * low,
      high: 100 * high,
    };
  });
  const labels = { asr: 'ASR', cleanAccuracy: 'clean accuracy' };
  const series = measures.map((measure, model) => ({ label: labels[measure], model, variant: 0 }));
  return drawRows(rows, series, {
    name: slug(`comparison ${source}`),
    title: `Ours minus ${source}`,
    axis: 'difference (percentage points)',
    caption: 'Bars are 95 % intervals (Welch’s t); none where one side has a single value.',
  });
}

function drawRows(rows: readonly Row[], series: readonly Series[], { name, title, axis, caption }: Words): Chart {
  const labels = [...new Set(rows.map((row) => row.label))];
  const marginLeft = 24 + 6.9 * Math.max(...labels.map((label) => label.length));
  const width = Math.max(560, marginLeft + 400);
  const document = svgDocument();
  const key = legend(series, width - 16);
  const marginTop = key.height + 16;
  const styles = series.length > 0 ? series : [{ label: '', model: 0, variant: 0 }];
  const svg = Plot.plot({
    document,
    width,
    height: marginTop + labels.length * ROW_HEIGHT + 52,
    ...{ marginTop, marginBottom: 52, marginLeft, marginRight: 64 },
    x: {
      domain: [Math.min(0, ...rows.map((row) => row.low)), Math.max(0, ...rows.map((row) => row.high))],
      nice: true,
    },
    y: { type: 'band', domain: labels, label: null },
    marks: [
      Plot.gridX({ strokeOpacity: 0.12 }),
      Plot.ruleX([0], { strokeOpacity: 0.6 }),
      Plot.axisX({
        ...{ label: axis, labelAnchor: 'center', labelArrow: 'none', labelOffset: 42 },
        tickFormat: (value: number) => String(value).replace('-', '−'),
      }),
      Plot.axisY({ tickSize: 0, label: null }),
      ...styles.map((style, at) => {
        const own = rows.filter((row) => row.series === at);
        const place = { y: 'label', dy: 8 * (at - (styles.length - 1) / 2) };
        return [
          Plot.link(own, {
            ...place,
            y: undefined,
            y1: 'label',
            y2: 'label',
            x1: 'low',
            x2: 'high',
            stroke: strokeOf(style),
            strokeWidth: 2,
          }),
          Plot.dot(own, { ...place, x: 'value', r: 4, symbol: symbolOf(style), fill: strokeOf(style) }),
          Plot.text(own, {
            ...{ ...place, x: 'high', dx: 8, textAnchor: 'start' as const },
            text: (row: Row) => row.value.toFixed(1).replace('-', '−'),
          }),
        ];
      }),
    ],
  });
  const description = rows
    .slice(0, 8)
    .map((row) => `${row.label}: ${row.value.toFixed(1)} (${row.low.toFixed(1)} to ${row.high.toFixed(1)})`)
    .join('; ');
  return { name, title, caption, svg: finish(svg, document, { title, description }, key.draw(document)) };
}
