// `triggerlab report`: an experiment as one static page with its tables and figures beside it.
import { type Command, Option } from 'commander';
import type { MatchBy } from '../analysis/external/compare.ts';
import type { ExternalRun } from '../analysis/external/record.ts';
import { DEFAULT_STORE } from '../store/open.ts';
import { finish } from './command.ts';
import { print, printJson } from './output.ts';
import { withStore } from './with-store.ts';

interface Options {
  readonly out: string;
  readonly store: string;
  readonly compare?: string;
  readonly match: MatchBy;
  readonly json?: boolean;
}

export function registerReport(program: Command): void {
  const command = program
    .command('report')
    .argument('<experiment>', 'name of an experiment')
    .description('write the report of an experiment: one static HTML page, tables as CSV and LaTeX, figures as SVG')
    .requiredOption('--out <directory>', 'where to write it; made when it does not exist')
    .option('--store <location>', 'directory or postgres:// URL of the results', DEFAULT_STORE)
    .option('--compare <name>', 'imported results to set beside these')
    .addOption(
      new Option('--match <how>', 'which models to compare: of the same name, or of one family')
        .choices(['model', 'family'])
        .default('model'),
    );
  finish(command, [
    'report quick --out report',
    'report quick --out report --compare sok-badnets --match family',
    'report quick --out report --json',
  ]).action(async (name: string, { out, store: location, compare: source, match, json }: Options) => {
    // Loaded here because they bring in the charts, which other commands should not wait for.
    const { keptExplanations } = await import('../report/kept-explanation.ts');
    const { writeReport } = await import('../report/write-report.ts');
    const { experiment, runs, published, explained } = await withStore(location, async (store) => {
      const all = await store.listRuns({ experiment: name });
      return {
        experiment: await store.getExperiment(name),
        runs: all,
        published:
          source === undefined ? undefined : { source, match, rows: await store.external.rows<ExternalRun>(source) },
        explained: await keptExplanations(store, name, all),
      };
    });
    const report = await writeReport({ experiment, runs, directory: out, published, explained });
    if (json) return printJson({ experiment: name, html: report.html, files: report.files });
    return print(`${report.html}\n${report.files.length} files in ${out}`);
  });
}
