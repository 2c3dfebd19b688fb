// `triggerlab defend`: defences against the network of a recorded run, planned, done and stored as runs of their own.
import type { Command } from 'commander';
import { inputError } from '../core/errors.ts';
import { modelLabel } from '../core/references.ts';
import { chooseLayout } from '../runner/layout.ts';
import { installed } from '../spec/catalog.ts';
import { readDefenses } from '../spec/defense-list.ts';
import { normalise } from '../spec/identity.ts';
import type { DefenseSpec, PlannedRun } from '../spec/run-spec.ts';
import { flattenRun } from '../store/flatten.ts';
import { DEFAULT_STORE, openStore } from '../store/open.ts';
import type { RunRecord } from '../store/records.ts';
import type { Store } from '../store/store.ts';
import { finish } from './command.ts';
import { log, print, printJson } from './output.ts';
import { runsText } from './results-text.ts';
import { STORE_OPTIONS, stopOnSignals, type WorkOptions, withWork, work } from './work.ts';

interface Options extends WorkOptions {
  readonly store: string;
  readonly with?: string;
  readonly json?: boolean;
}

export function registerDefend(program: Command): void {
  const command = program
    .command('defend')
    .argument('<run>', 'a run that is done, by its id or the beginning of it')
    .description('try defences on the network of a run; what they find is stored like any result')
    .option('--with <defence,…>', 'which: names, or blocks as under defenses in a spec')
    .option('--store <location>', 'directory or postgres:// URL of the results', DEFAULT_STORE);
  finish(withWork(command), [
    'defend 3fa94c1b --with fine-tuning',
    "defend 3fa94c1b --with 'fine-tuning,{type: fine-tuning, budget: [0.01, 0.1]}' --json",
  ]).action(defendCommand);
}

async function defendCommand(id: string, options: Options): Promise<void> {
  if (options.with === undefined) {
    throw inputError('defend: with which defence? None was named', {
      hint: `For example --with fine-tuning. Known: ${installed.defenses.names.join(', ')}.`,
    });
  }
  const defenses = readDefenses(options.with, `--with ${options.with}`, installed);
  // Loaded here because it brings in models and datasets, which a wrong name above should not wait for.
  const { requireDone } = await import('../runner/bind-run.ts');
  const interrupt = stopOnSignals();
  const store = await openStore(options.store, { mode: 'own', ...STORE_OPTIONS });
  try {
    const base = await store.getRun(id);
    await requireDone(base, 'network to defend');
    const planned = await defendedRuns(base, defenses);
    const experiment = await record(store, base, planned, options.with);
    await work(store, {
      ...options,
      layout: chooseLayout(new Set([modelLabel(base.spec.model)]), planned.length, options.workers),
      experiment,
      signal: interrupt.signal,
    });
    await conclude(store, base, planned, experiment, { interrupted: interrupt.signal.aborted, json: options.json });
  } finally {
    await store.close();
    interrupt.release();
  }
}

async function defendedRuns(base: RunRecord, defenses: readonly DefenseSpec[]): Promise<PlannedRun[]> {
  const { runIdNow } = await import('../runner/check-unchanged.ts');
  const runs = new Map<string, PlannedRun>();
  for (const defense of defenses) {
    const spec = normalise({ ...base.spec, defense });
    const runId = await runIdNow(spec);
    runs.set(runId, { runId, spec, baseId: base.runId });
  }
  return [...runs.values()];
}

/** Records the runs as an experiment of the base's own, beside those that it has already. @returns its name. */
async function record(store: Store, base: RunRecord, planned: readonly PlannedRun[], text: string): Promise<string> {
  const name = `defend-${base.runId}`;
  const known = (await store.listExperiments()).some((experiment) => experiment.name === name);
  const before = known ? await store.listRuns({ experiment: name }) : [];
  const bases: PlannedRun[] = [{ ...plannedAgain(base), keepWeights: 'all' }];
  if (base.twinId !== null) bases.unshift(plannedAgain(await store.getRun(base.twinId)));
  const ids = new Set([...bases, ...planned].map(({ runId }) => runId));
  const others = before.filter(({ runId }) => !ids.has(runId)).map(plannedAgain);
  const resolved = { name, description: `Defences against run ${base.runId}` };
  const specText = `# triggerlab defend ${base.runId} --with '${text}'`;
  await store.recordExperiment(name, specText, resolved, [...bases, ...others, ...planned]);
  return name;
}

function plannedAgain({ runId, spec, twinId, baseId }: RunRecord): PlannedRun {
  return { runId, spec, ...(twinId !== null && { twinId }), ...(baseId !== null && { baseId }) };
}

async function conclude(
  store: Store,
  base: RunRecord,
  planned: readonly PlannedRun[],
  experiment: string,
  { interrupted, json }: { interrupted: boolean; json?: boolean | undefined },
): Promise<void> {
  const runs = await Promise.all(planned.map(({ runId }) => store.getRun(runId)));
  if (json) printJson({ base: flattenRun(base), experiment, runs: runs.map((run) => flattenRun(run, experiment)) });
  else print(runsText([base, ...runs]));
  const undone = runs.filter(({ status }) => status !== 'done').length;
  if (undone === 0) return;
  log(
    `error: ${interrupted ? 'interrupted' : `${undone} of ${runs.length} defences were not done`}\n  The same command goes on from here.`,
  );
  process.exitCode = 1;
}
