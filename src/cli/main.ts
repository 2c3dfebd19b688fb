#!/usr/bin/env node
// The command line: every command is a file of its own and one line of this table.
import { registerAnalyze } from './analyze.ts';
import { registerBench } from './bench.ts';
import { registerCache } from './cache.ts';
import type { RegisterCommand } from './command.ts';
import { registerDatasets } from './datasets.ts';
import { registerDoctor } from './doctor.ts';
import { registerExplain } from './explain.ts';
import { registerExport } from './export.ts';
import { registerImport } from './import.ts';
import { registerLaunch } from './launch.ts';
import { registerLint } from './lint.ts';
import { registerLogs } from './logs.ts';
import { registerModels } from './models.ts';
import { endQuietlyWithoutReader } from './output.ts';
import { registerPlan } from './plan.ts';
import { registerPretrain } from './pretrain.ts';
import { registerPreview } from './preview.ts';
import { runProgram } from './program.ts';
import { registerReport } from './report.ts';
import { registerResults } from './results.ts';
import { registerRetry } from './retry.ts';
import { registerRun } from './run.ts';
import { registerSsba } from './ssba.ts';
import { registerStatus } from './status.ts';
import { registerTriggers } from './triggers.ts';
import { registerWeights } from './weights.ts';
import { registerWorker } from './worker.ts';

/** In the order in which help lists them. */
const commands: readonly RegisterCommand[] = [
  // Experiments
  registerRun,
  registerPlan,
  registerLint,
  registerPreview,
  registerWorker,
  registerLaunch,
  registerRetry,
  registerStatus,
  registerLogs,
  // Results and reports
  registerResults,
  registerReport,
  registerAnalyze,
  registerImport,
  registerExplain,
  registerExport,
  // Registries
  registerModels,
  registerDatasets,
  registerTriggers,
  registerWeights,
  // Upkeep
  registerPretrain,
  registerSsba,
  registerBench,
  registerCache,
  registerDoctor,
];

endQuietlyWithoutReader();
process.exitCode = await runProgram(commands, process.argv.slice(2));
