// The commands in the order in which help lists them. Each is loaded when it is asked for: loading all takes a second.
import type { RegisterCommand } from './command.ts';

export interface LazyCommand {
  readonly name: string;
  /** Its arguments as help shows them. */
  readonly usage: string;
  /** What it does, in the few words that the list of commands has room for; its own help says more. */
  readonly summary: string;
  readonly load: () => Promise<RegisterCommand>;
}

function command(name: string, usage: string, summary: string, load: LazyCommand['load']): LazyCommand {
  return { name, usage, summary, load };
}

export const commands: readonly LazyCommand[] = [
  // Experiments
  command('run', '<spec>', 'do an experiment, or go on with it', async () => (await import('./run.ts')).registerRun),
  command('plan', '<spec>', 'its runs, time, memory and disk', async () => (await import('./plan.ts')).registerPlan),
  command('lint', '<spec>', 'check its triggers before it runs', async () => (await import('./lint.ts')).registerLint),
  command('preview', '<spec>', 'draw its triggers', async () => (await import('./preview.ts')).registerPreview),
  command('worker', '', 'do runs that others planned', async () => (await import('./worker.ts')).registerWorker),
  command('launch', '', 'start workers on a cluster', async () => (await import('./launch.ts')).registerLaunch),
  command('shard', '', 'runs as files for other nodes', async () => (await import('./shard.ts')).registerShard),
  command('retry', '[experiment]', 'try failed runs again', async () => (await import('./retry.ts')).registerRetry),
  command('status', '[experiment]', 'how it stands', async () => (await import('./status.ts')).registerStatus),
  command('logs', '<run>', 'what happened to a run', async () => (await import('./logs.ts')).registerLogs),
  // Results and reports
  command('results', '[experiment]', 'what was measured', async () => (await import('./results.ts')).registerResults),
  command(
    'report',
    '<experiment>',
    'the report as one HTML page, with tables and figures',
    async () => (await import('./report.ts')).registerReport,
  ),
  command(
    'analyze',
    '[experiment]',
    'which factor matters, the paper’s claims, power',
    async () => (await import('./analyze.ts')).registerAnalyze,
  ),
  command('import', '<files...>', 'published results', async () => (await import('./import.ts')).registerImport),
  command(
    'explain',
    '<run>',
    'where a backdoored run and its clean twin look',
    async () => (await import('./explain.ts')).registerExplain,
  ),
  command('defend', '<run>', 'try defences on its network', async () => (await import('./defend.ts')).registerDefend),
  command('audit', '<model>', 'examine an ONNX classifier', async () => (await import('./audit.ts')).registerAudit),
  command('store', '', 'runs from one store to another', async () => (await import('./store.ts')).registerStore),
  command(
    'export',
    '<run>',
    'a trained classifier as ONNX, or a poisoned training set',
    async () => (await import('./export.ts')).registerExport,
  ),
  // Registries
  command('models', '', 'list or show models', async () => (await import('./models.ts')).registerModels),
  command('datasets', '', 'list, show or pull datasets', async () => (await import('./datasets.ts')).registerDatasets),
  command('triggers', '', 'list or show triggers', async () => (await import('./triggers.ts')).registerTriggers),
  command('defenses', '', 'list or show defences', async () => (await import('./defenses.ts')).registerDefenses),
  command('weights', '', 'list, import or pull weights', async () => (await import('./weights.ts')).registerWeights),
  // Upkeep
  command(
    'pretrain',
    '<model>',
    'train a -mini backbone',
    async () => (await import('./pretrain.ts')).registerPretrain,
  ),
  command('ssba', '', 'the networks behind the trigger ssba', async () => (await import('./ssba.ts')).registerSsba),
  command('bench', '', 'how fast this machine trains', async () => (await import('./bench.ts')).registerBench),
  command('cache', '', 'what is kept of frozen networks’ work', async () => (await import('./cache.ts')).registerCache),
  command('doctor', '', 'check this machine', async () => (await import('./doctor.ts')).registerDoctor),
];
