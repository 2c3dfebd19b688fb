// Writes an experiment's report: index.html, the tables as CSV, every figure as SVG, the spec.
import { join } from 'node:path';
import { inputError, messageOf, TriggerlabError } from '../core/errors.ts';
import { writeFileAtomic } from '../core/files.ts';
import { datasetLabel } from '../core/references.ts';
import { loadRunDataset } from '../runner/run-dataset.ts';
import { runsToCsv } from '../store/csv.ts';
import { flattenRun } from '../store/flatten.ts';
import type { RunRecord } from '../store/records.ts';
import { dataTableCsv, dataTableLatex } from './data-table.ts';
import { type ReportedExperiment, reportHtml } from './html.ts';
import type { ExplainedRun } from './kept-explanation.ts';
import { chartsOf, type PublishedResults, reportParts, tablesOf } from './parts.ts';
import { distinctTriggers, type TriggerFigure, triggerFigure } from './pictures.ts';
import { resultsCsv, resultsDataTable } from './results-table.ts';

/** More pictures than these make a page slow to load and say little more. */
const MAX_PICTURES = 24;

export interface ReportRequest {
  readonly experiment: ReportedExperiment;
  /** All runs of the experiment, whatever their status. */
  readonly runs: readonly RunRecord[];
  /** Made when it does not exist; files of the same names are replaced. */
  readonly directory: string;
  /** Published results to set beside these. */
  readonly published?: PublishedResults | undefined;
  /** What `explain` has kept of some of the runs. */
  readonly explained?: readonly ExplainedRun[] | undefined;
}

export interface WrittenReport {
  /** Path of index.html. */
  readonly html: string;
  /** Paths of all files written, index.html last. */
  readonly files: string[];
}

/**
 * Writes the report of an experiment. Each file is written whole or not at all, index.html last.
 * @throws TriggerlabError (input) when the directory cannot be written to.
 */
export async function writeReport(request: ReportRequest): Promise<WrittenReport> {
  const { experiment, runs, directory, published, explained } = request;
  const parts = reportParts(runs, published, explained);
  const { pictures, pictureNotes } = await drawPictures(runs);
  const page = reportHtml({ experiment, runs, ...parts, pictures, pictureNotes });
  const contents: readonly (readonly [string, string])[] = [
    ['results.csv', resultsCsv(parts.table)],
    ['results.tex', dataTableLatex(resultsDataTable(parts.table))],
    ['runs.csv', runsToCsv(runs.map((run) => flattenRun(run, experiment.name)))],
    ...tablesOf(parts).flatMap((table) => [
      [`${table.name}.csv`, dataTableCsv(table)] as const,
      [`${table.name}.tex`, dataTableLatex(table)] as const,
    ]),
    ['experiment.yaml', experiment.specText],
    ...chartsOf(parts).map((chart) => [`${chart.name}.svg`, `${chart.svg}\n`] as const),
    ['index.html', page],
  ];
  const files: string[] = [];
  try {
    for (const [name, text] of contents) {
      const path = join(directory, name);
      await writeFileAtomic(path, text);
      files.push(path);
    }
  } catch (error) {
    throw inputError(`the report cannot be written to ${directory}: ${messageOf(error)}`, {
      hint: 'Name another directory, one that you may write to.',
      cause: error,
    });
  }
  return { html: files[files.length - 1], files };
}

/** Pictures are an extra: a dataset or trigger that is not at hand leaves a note instead of a report that fails. */
async function drawPictures(
  runs: readonly RunRecord[],
): Promise<{ pictures: TriggerFigure[]; pictureNotes: string[] }> {
  const specs = distinctTriggers(runs.map((run) => run.spec));
  const pictures: TriggerFigure[] = [];
  const pictureNotes = new Set<string>();
  if (specs.length > MAX_PICTURES) {
    pictureNotes.add(`The first ${MAX_PICTURES} of ${specs.length} triggers are shown.`);
  }
  for (const spec of specs.slice(0, MAX_PICTURES)) {
    try {
      pictures.push(await triggerFigure(await loadRunDataset(spec), spec));
    } catch (error) {
      if (!(error instanceof TriggerlabError)) throw error;
      pictureNotes.add(`A trigger could not be drawn on ${datasetLabel(spec.dataset)}: ${error.message}.`);
    }
  }
  return { pictures, pictureNotes: [...pictureNotes] };
}
