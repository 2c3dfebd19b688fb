// What a report consists of, computed once: tables, charts and the analysis behind them.
import { type Analysis, analyzeRuns } from '../analysis/analyze.ts';
import { type Comparison, compare, type MatchBy } from '../analysis/external/compare.ts';
import { evidenceOf } from '../analysis/external/evidence.ts';
import type { ExternalRun } from '../analysis/external/record.ts';
import { factorsAcross, isDefended } from '../analysis/factors.ts';
import { observationsOf } from '../analysis/observations.ts';
import type { RunRecord } from '../store/records.ts';
import { anovaTable, claimsTable, importanceTable, openClaimsTable, powerTable } from './analysis-tables.ts';
import {
  asrCharts,
  attributionCharts,
  type Chart,
  cadChart,
  comparisonChart,
  freezeCharts,
  heatMaps,
  pruningCharts,
  ratePanels,
} from './charts.ts';
import type { DataTable } from './data-table.ts';
import { defenseTables } from './defense-tables.ts';
import { cleanAccuracyTable, costTable, intervalsTable } from './experiment-tables.ts';
import { comparisonTable } from './external-tables.ts';
import { type ExplainedRun, explanationsTable } from './kept-explanation.ts';
import { type ResultsTable, resultsTable } from './results-table.ts';

/** Imported results that the runs are set beside. */
export interface PublishedResults {
  readonly source: string;
  readonly rows: readonly ExternalRun[];
  readonly match: MatchBy;
}

export interface ReportParts {
  readonly table: ResultsTable;
  readonly cleanAccuracy: DataTable | undefined;
  readonly intervals: DataTable;
  readonly cost: DataTable | undefined;
  /** Everything on one page: position × size panels; left out where there are too many lines to tell apart. */
  readonly asr: readonly Chart[];
  readonly rates: { readonly charts: readonly Chart[]; readonly all: number };
  readonly heat: readonly Chart[];
  /** ASR against the freeze boundary, where it was moved. */
  readonly freeze: readonly Chart[];
  readonly cad: Chart | undefined;
  readonly attribution: readonly { readonly charts: readonly Chart[]; readonly tables: readonly DataTable[] }[];
  readonly claims: readonly DataTable[];
  readonly power: DataTable | undefined;
  /** What defences did: of all else here defended runs are left out. */
  readonly defenses: { readonly charts: readonly Chart[]; readonly tables: readonly DataTable[] };
  /** What `explain` found, of the runs that it was asked about. */
  readonly explanations: { readonly runs: readonly ExplainedRun[]; readonly table: DataTable | undefined };
  readonly notes: readonly string[];
  readonly comparison: { readonly table: DataTable; readonly chart: Chart | undefined } | undefined;
}

/** The most lines and figures that an overview can hold. */
const MAX_OVERVIEW_LINES = 6;
const MAX_OVERVIEWS = 4;

/** Pure: the same runs give the same parts. Defended runs are in the table of results and in their own part: all else is about attacks. */
export function reportParts(
  all: readonly RunRecord[],
  published?: PublishedResults,
  explained: readonly ExplainedRun[] = [],
): ReportParts {
  const runs = all.filter((run) => !isDefended(run.spec));
  const done = runs.filter((run) => run.status === 'done');
  const specs = done.map((run) => run.spec);
  const factors = factorsAcross(specs);
  const attacked = done.filter((run) => run.metrics?.asr != null);
  const analysis: Analysis | undefined = attacked.length > 0 ? analyzeRuns(runs) : undefined;
  const rates = ratePanels(runs);
  return {
    table: resultsTable(all, { stealth: true }),
    cleanAccuracy: cleanAccuracyTable(runs),
    intervals: intervalsTable(runs, factors.varying),
    cost: costTable(runs),
    asr: overviews(attacked),
    // One figure says no more than the overview does.
    rates: rates.all > 1 ? rates : { charts: [], all: 0 },
    heat: heatMaps(runs),
    freeze: freezeCharts(runs),
    cad: cadChart(runs),
    attribution: (analysis?.attributions ?? []).flatMap(({ scope, asr, cad }) =>
      [asr, cad].flatMap((one) =>
        one
          ? [{ charts: attributionCharts(scope, one), tables: [importanceTable(scope, one), anovaTable(scope, one)] }]
          : [],
      ),
    ),
    claims: analysis
      ? [claimsTable(analysis.claims), openClaimsTable(analysis.claims)].flatMap((table) => table ?? [])
      : [],
    power: analysis && analysis.power.length > 0 ? powerTable(analysis.power) : undefined,
    defenses: { charts: pruningCharts(all), tables: defenseTables(all) },
    explanations: { runs: explained, table: explanationsTable(explained) },
    notes: analysis?.notes ?? [],
    comparison: published && comparisonOf(runs, published),
  };
}

function overviews(attacked: readonly RunRecord[]): Chart[] {
  const lines = new Set(
    attacked.map(({ spec }) => JSON.stringify([spec.model, (spec.attack as { color?: unknown }).color])),
  );
  if (lines.size > MAX_OVERVIEW_LINES) return [];
  const charts = asrCharts(attacked);
  return charts.length > MAX_OVERVIEWS ? [] : charts;
}

function comparisonOf(
  runs: readonly RunRecord[],
  { source, rows, match }: PublishedResults,
): ReportParts['comparison'] {
  const found: { comparisons: Comparison[]; averaged: string[] } = compare(
    observationsOf(runs),
    evidenceOf(rows).attacks,
    match,
  );
  return {
    table: comparisonTable(source, found.comparisons, found.averaged),
    chart: comparisonChart(source, found.comparisons),
  };
}

export function tablesOf(parts: ReportParts): DataTable[] {
  return [
    parts.cleanAccuracy,
    parts.intervals,
    parts.cost,
    ...parts.attribution.flatMap((one) => one.tables),
    ...parts.claims,
    parts.power,
    ...parts.defenses.tables,
    parts.explanations.table,
    parts.comparison?.table,
  ].flatMap((table) => (table && table.rows.length > 0 ? [table] : []));
}

export function chartsOf(parts: ReportParts): Chart[] {
  return [
    ...parts.asr,
    ...parts.rates.charts,
    ...parts.heat,
    ...parts.freeze,
    ...(parts.cad ? [parts.cad] : []),
    ...parts.attribution.flatMap((one) => one.charts),
    ...parts.defenses.charts,
    ...(parts.comparison?.chart ? [parts.comparison.chart] : []),
  ];
}
