// `triggerlab report`: an experiment as one static page with its tables and figures beside it.
import type { Command } from 'commander';
import { DEFAULT_STORE } from '../store/open.ts';
import { finish } from './command.ts';
import { print, printJson } from './output.ts';
import { withStore } from './results-options.ts';

interface Options {
  readonly out: string;
  readonly store: string;
  readonly json?: boolean;
}

export function registerReport(program: Command): void {
  const command = program
    .command('report')
    .argument('<experiment>', 'name of an experiment')
    .description('write the report of an experiment: one static HTML page, tables as CSV, figures as SVG')
    .requiredOption('--out <directory>', 'where to write it; made when it does not exist')
    .option('--store <location>', 'directory or postgres:// URL of the results', DEFAULT_STORE);
  finish(command, ['report quick --out report', 'report quick --out report --json']).action(
    async (name: string, { out, store: location, json }: Options) => {
      const [experiment, runs] = await withStore(location, async (store) => [
        await store.getExperiment(name),
        await store.listRuns({ experiment: name }),
      ]);
      // Loaded here because it brings in the charts, which other commands should not wait for.
      const { writeReport } = await import('../report/write-report.ts');
      const report = await writeReport({ experiment, runs, directory: out });
      if (json) return printJson({ experiment: name, html: report.html, files: report.files });
      return print(`${report.html}\n${report.files.length} files in ${out}`);
    },
  );
}
