// `triggerlab run`: plans an experiment, does what is not done yet, and ends with its table (and report).
import { accessSync, constants } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { inputError, messageOf } from '../core/errors.ts';
import { makeDirectory } from '../core/files.ts';
import { formatSeconds } from '../core/format.ts';
import { modelLabel } from '../core/references.ts';
import { prepareDatasets } from '../data/loaded.ts';
import { resultsTable, resultsText } from '../report/results-table.ts';
import { chooseLayout } from '../runner/layout.ts';
import { RunnerPool } from '../runner/pool.ts';
import { type SweepEvent, type SweepSummary, sweep } from '../runner/sweep.ts';
import { type Plan, requireWeights } from '../spec/plan.ts';
import { readSpecFile } from '../spec/source.ts';
import { flattenRun } from '../store/flatten.ts';
import { DEFAULT_STORE, openStore } from '../store/open.ts';
import type { Store } from '../store/store.ts';
import { finish, withSet } from './command.ts';
import { describeRun } from './describe-run.ts';
import { loadPlan } from './load-plan.ts';
import { wholeNumber } from './numbers.ts';
import { log, print, printJson } from './output.ts';
import { Progress, StepProgress } from './progress.ts';
import { trainEncoders } from './train-encoders.ts';

interface Options {
  readonly store: string;
  readonly workers?: number;
  readonly limit?: number;
  readonly set: string[];
  readonly report?: string;
  readonly json?: boolean;
}

export function registerRun(program: Command): void {
  const command = program
    .command('run')
    .argument('<spec>', 'experiment spec (YAML)')
    .description('do an experiment: plan it, run what is not done yet, show the table; the same command resumes')
    .option('--store <location>', 'directory or postgres:// URL of the results', DEFAULT_STORE)
    .option(
      '--workers <n>',
      'runs at the same time (default: as bench workers measured, else one per core)',
      wholeNumber(1, 256),
    )
    .option('--limit <n>', 'do at most n runs now', wholeNumber(1, 1_000_000))
    .option('--report <directory>', 'write the HTML report there at the end');
  finish(withSet(command), [
    'run suites/quick.yaml',
    'run suites/quick.yaml --report report',
    'run suites/proof.yaml --workers 4 --store results/',
    'run suites/quick.yaml --set model=resnet-mini --set training.epochs=1 --limit 3',
  ]).action(runCommand);
}

async function runCommand(file: string, options: Options): Promise<void> {
  const plan = await loadPlan(file, options.set);
  requireWeights(plan);
  const specText = [readSpecFile(file).trimEnd(), ...options.set.map((text) => `# --set ${text}`)].join('\n');
  if (options.report !== undefined) checkReportDirectory(options.report);
  const preparing = new StepProgress();
  const names = plan.runs.map(({ spec }) => spec.dataset);
  await prepareDatasets(names, preparing.update).finally(() => preparing.end());
  const interrupt = new AbortController();
  const stop = () => interrupt.abort();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  const store = await openStore(options.store, { mode: 'own', warn: (message) => log(`warning: ${message}`) });
  try {
    const { name, description, factors } = plan;
    await store.recordExperiment(name, specText, { name, description, set: options.set, factors }, plan.runs);
    const summary = await carryOut(store, plan, options, interrupt.signal);
    await conclude(store, plan, summary, options);
  } finally {
    await store.close();
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}

/** A report that cannot be written should be known before the work, not after it. */
function checkReportDirectory(directory: string): void {
  try {
    makeDirectory(resolve(directory));
    accessSync(directory, constants.W_OK);
  } catch (error) {
    throw inputError(`the report cannot be written to ${directory}: ${messageOf(error)}`, {
      hint: 'Name another directory with --report, one that you may write to.',
      cause: error,
    });
  }
}

/** Runs the sweep with progress on stderr. The first Ctrl-C ends it; what was done stays done. */
async function carryOut(
  store: Store,
  plan: Plan,
  options: Options,
  signal: AbortSignal,
): Promise<SweepSummary & { interrupted: boolean }> {
  const cores = availableParallelism();
  const models = new Set(plan.runs.map(({ spec }) => modelLabel(spec.model)));
  const { workers, threads } = chooseLayout(models, plan.runs.length, options.workers);
  const pending = await store.pendingRuns(plan.name);
  const done = plan.runs.length - pending.length;
  if (done > 0) log(`${done} of ${plan.runs.length} runs are done already`);
  if (workers > cores) log(`${workers} workers share ${cores} cores: more than one per core gains nothing`);
  await trainEncoders(
    pending.map(({ spec }) => spec),
    cores,
    signal,
  );
  const pool = new RunnerPool({ workers, threads });
  const progress = new Progress();
  const started = performance.now();
  let finished = 0;
  const onEvent = (event: SweepEvent) => {
    if (event.kind === 'progress') {
      progress.update(event.share, `${done + finished}/${plan.runs.length} runs`);
    } else if (event.kind !== 'started') {
      finished++;
      progress.note(describeRun(event, done + finished, plan.runs.length));
    }
  };
  try {
    const summary = await sweep(store, pool, plan.name, { limit: options.limit, signal, onEvent });
    progress.end();
    if (finished > 0)
      log(`${finished} runs in ${formatSeconds((performance.now() - started) / 1000)} with ${workers} workers`);
    return { ...summary, interrupted: signal.aborted };
  } finally {
    progress.end();
    pool.close();
  }
}

/** Table or JSON, report, and the exit code: 1 when a run failed or the work was interrupted. */
async function conclude(
  store: Store,
  plan: Plan,
  summary: SweepSummary & { interrupted: boolean },
  { report, json }: Options,
): Promise<void> {
  const runs = await store.listRuns({ experiment: plan.name });
  let page: string | undefined;
  if (report !== undefined && !summary.interrupted) {
    // Loaded here because it brings in the charts, which other commands should not wait for.
    const { writeReport } = await import('../report/write-report.ts');
    const experiment = await store.getExperiment(plan.name);
    page = (await writeReport({ experiment, runs, directory: report })).html;
  }
  if (json) {
    const flat = runs.map((run) => flattenRun(run, plan.name));
    printJson({ experiment: plan.name, ...summary, report: page ?? null, runs: flat });
  } else {
    print(resultsText(resultsTable(runs)));
    if (page !== undefined) print(`\nReport: ${resolve(page)}`);
  }
  const problem = problemOf(plan, summary);
  if (problem) {
    // Results stand on stdout already: the error goes to stderr alone.
    log(`error: ${problem}`);
    process.exitCode = 1;
  }
}

function problemOf(
  plan: Plan,
  { interrupted, failed, skipped }: SweepSummary & { interrupted: boolean },
): string | undefined {
  if (interrupted) return 'interrupted: what was done is kept\n  The same command goes on from here.';
  if (failed + skipped === 0) return undefined;
  return `${failed} runs failed, ${skipped} were skipped\n  See why: triggerlab results ${plan.name} --json. The same command tries them again.`;
}
