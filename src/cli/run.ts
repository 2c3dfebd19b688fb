// `triggerlab run`: plans an experiment, does what is not done yet, and ends with its table (and report).
import { accessSync, constants } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { wantedRuns } from '../analysis/repeats.ts';
import { inputError, messageOf } from '../core/errors.ts';
import { makeDirectory } from '../core/files.ts';
import { modelLabel } from '../core/references.ts';
import { prepareDatasets } from '../data/loaded.ts';
import type { Finding } from '../lint/findings.ts';
import { retryFailed } from '../queue/retry.ts';
import { resultsTable, resultsText } from '../report/results-table.ts';
import { chooseLayout } from '../runner/layout.ts';
import type { SweepSummary } from '../runner/sweep.ts';
import { type Plan, requireWeights } from '../spec/plan.ts';
import { readSpecFile } from '../spec/source.ts';
import { flattenRun } from '../store/flatten.ts';
import { DEFAULT_STORE, openStore } from '../store/open.ts';
import type { RunRecord, RunStatus } from '../store/records.ts';
import type { Store } from '../store/store.ts';
import { finish, withSet } from './command.ts';
import { findingText } from './lint-output.ts';
import { lintSpec } from './load-lint.ts';
import { type LoadedSpec, loadSpec } from './load-plan.ts';
import { log, print, printJson } from './output.ts';
import { StepProgress } from './progress.ts';
import { trainEncoders } from './train-encoders.ts';
import { STORE_OPTIONS, stopOnSignals, type WorkOptions, withWork, work } from './work.ts';

interface Options extends WorkOptions {
  readonly store: string;
  readonly set: string[];
  readonly report?: string;
  readonly allowLint?: boolean;
  readonly json?: boolean;
}

export function registerRun(program: Command): void {
  const command = program
    .command('run')
    .argument('<spec>', 'experiment spec (YAML)')
    .description('do an experiment: plan it, run what is not done yet, show the table; the same command resumes')
    .option('--store <location>', 'directory or postgres:// URL of the results', DEFAULT_STORE)
    .option('--report <directory>', 'write the HTML report there at the end')
    .option('--allow-lint', 'run also what lint finds errors in: see triggerlab lint');
  finish(withSet(withWork(command, 0)), [
    'run suites/quick.yaml',
    'run suites/quick.yaml --report report',
    'run suites/proof.yaml --workers 4 --store results/',
    'run suites/proof.yaml --workers 0 --store postgres://me@host/triggerlab   # plan only: workers do the runs',
    'run suites/quick.yaml --set model=resnet-mini --set training.epochs=1 --limit 3',
  ]).action(runCommand);
}

async function runCommand(file: string, options: Options): Promise<void> {
  const loaded = await loadSpec(file, options.set);
  const { plan } = loaded;
  requireWeights(plan);
  const specText = [readSpecFile(file).trimEnd(), ...options.set.map((text) => `# --set ${text}`)].join('\n');
  if (options.report !== undefined) checkReportDirectory(options.report);
  const preparing = new StepProgress();
  const names = plan.runs.map(({ spec }) => spec.dataset);
  await prepareDatasets(names, preparing.update).finally(() => preparing.end());
  const findings = await lintBefore(file, loaded, options);
  const interrupt = stopOnSignals();
  const store = await openStore(options.store, { mode: 'own', ...STORE_OPTIONS });
  try {
    const { name, description, factors } = plan;
    const resolved = { name, description, set: options.set, factors, lint: findings };
    const record = (runs: Plan['runs']) => store.recordExperiment(name, specText, resolved, runs);
    const summary = await inRounds(store, plan, record, options, interrupt.signal);
    await conclude(store, plan, summary, options);
  } finally {
    await store.close();
    interrupt.release();
  }
}

/** What lint finds; told on stderr, errors end the command unless they are allowed. @throws TriggerlabError (input) */
async function lintBefore(file: string, loaded: LoadedSpec, { set, allowLint }: Options): Promise<readonly Finding[]> {
  const { findings } = (await lintSpec(loaded)).result;
  const grave = findings.filter(({ severity }) => severity === 'error');
  if (grave.length > 0 && !allowLint) {
    const [first, ...others] = grave;
    const rest = others.length === 0 ? '' : ` And ${others.length} more.`;
    const command = ['triggerlab lint', file, ...set.map((text) => `--set ${text}`)].join(' ');
    throw inputError(`${first.at}: lint: ${first.dataset ?? loaded.plan.name}: ${first.message}${rest}`, {
      hint: `${first.fix} All findings: ${command}. To run it all the same: --allow-lint.`,
    });
  }
  for (const finding of findings) if (finding.severity !== 'note') log(findingText(finding));
  return findings;
}

/** All of the plan at once; with adaptive repeats, a seed more in each round wherever the interval is still too wide. */
async function inRounds(
  store: Store,
  plan: Plan,
  record: (runs: Plan['runs']) => Promise<void>,
  options: Options,
  signal: AbortSignal,
): Promise<SweepSummary & { interrupted: boolean }> {
  const { repeats } = plan;
  let runs = repeats ? wantedRuns(plan.runs, repeats, []) : plan.runs;
  const sum = { done: 0, failed: 0, skipped: 0 };
  for (;;) {
    await record(runs);
    const summary = await carryOut(store, { ...plan, runs }, options, signal);
    for (const name of ['done', 'failed', 'skipped'] as const) sum[name] += summary[name];
    const ended = { ...summary, ...sum };
    if (!repeats || summary.interrupted || summary.left > 0) return ended;
    const more = wantedRuns(plan.runs, repeats, await store.listRuns({ experiment: plan.name }));
    if (more.length === runs.length) return ended;
    log(
      `${more.length - runs.length} more runs: the interval of ${repeats.metric} is still wider than ${repeats.width}`,
    );
    runs = more;
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

/** Runs the sweep with progress on stderr. The first Ctrl-C stops it with checkpoints, the second at once. */
async function carryOut(
  store: Store,
  plan: Plan,
  options: Options,
  signal: AbortSignal,
): Promise<SweepSummary & { interrupted: boolean }> {
  const retried = await retryFailed(store.database, {
    ...{ experiment: plan.name, ids: plan.runs.map(({ runId }) => runId) },
    ...{ attemptsBelow: options.attempts, anew: false },
  });
  if (retried > 0) log(`${retried} runs that failed or were skipped are tried again`);
  if (options.workers === 0) {
    const recorded = await store.listRuns({ experiment: plan.name });
    const left = recorded.filter(({ status }) => status === 'pending' || status === 'running').length;
    return { done: 0, failed: 0, skipped: 0, left, interrupted: false };
  }
  const models = new Set(plan.runs.map(({ spec }) => modelLabel(spec.model)));
  const needy = plan.runs.some(({ spec }) => spec.attack.type === 'ssba');
  const stored = needy ? await store.listRuns({ experiment: plan.name }) : [];
  await trainEncoders(
    stored.filter(({ status }) => status !== 'done').map(({ spec }) => spec),
    availableParallelism(),
    signal,
  );
  const summary = await work(store, {
    ...options,
    layout: chooseLayout(models, plan.runs.length, options.workers),
    experiment: plan.name,
    total: plan.runs.length,
    signal,
  });
  return { ...summary, interrupted: signal.aborted };
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
    // Loaded here because they bring in the charts, which other commands should not wait for.
    const { keptExplanations } = await import('../report/kept-explanation.ts');
    const { writeReport } = await import('../report/write-report.ts');
    const experiment = await store.getExperiment(plan.name);
    const explained = await keptExplanations(store, plan.name, runs);
    page = (await writeReport({ experiment, runs, directory: report, explained })).html;
  }
  if (json) {
    const flat = runs.map((run) => flattenRun(run, plan.name));
    printJson({ experiment: plan.name, ...summary, report: page ?? null, runs: flat });
  } else {
    print(resultsText(resultsTable(runs)));
    if (page !== undefined) print(`\nReport: ${resolve(page)}`);
  }
  const problem = problemOf(plan, runs, summary.interrupted);
  if (problem) {
    // Results stand on stdout already: the error goes to stderr alone.
    log(`error: ${problem}`);
    process.exitCode = 1;
  }
}

function problemOf(plan: Plan, runs: readonly RunRecord[], interrupted: boolean): string | undefined {
  if (interrupted) return 'interrupted: what was done is kept\n  The same command goes on from here.';
  const count = (status: RunStatus) => runs.filter((run) => run.status === status).length;
  const [failed, skipped] = [count('failed'), count('skipped')];
  if (failed + skipped === 0) return undefined;
  return `${failed} runs failed, ${skipped} were skipped\n  See why: triggerlab status ${plan.name}. Try them again: triggerlab retry --failed ${plan.name}, then this command.`;
}
