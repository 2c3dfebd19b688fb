// One measurement of `triggerlab bench step`, in this process or in one of its own.
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { failedError, inputError } from '../core/errors.ts';
import { parseFreeze } from '../models/freeze.ts';
import { findModel } from '../models/references.ts';
import { engineVersion, Runtime } from '../runtime/node.ts';
import { timeByOp } from '../runtime/trace.ts';
import { measureStep, WARM_UP_STEPS } from '../train/measure-step.ts';
import type { StepOptions, StepReport } from './bench.ts';

const OPS_SHOWN = 12;

/**
 * Measures one model in this process; peak memory is that of the whole process so far.
 * @throws TriggerlabError (input) when the folder of `profile` does not exist.
 */
export async function benchStep(options: StepOptions): Promise<StepReport> {
  const { batch, size, threads, seconds, profile } = options;
  const model = findModel(options.model);
  const before = profile === undefined ? [] : await tracesOf(profile);
  const runtime = new Runtime({ threads, profile });
  const measured = await measureStep(runtime, { model, freeze: parseFreeze(options.freeze), batch, size, seconds });
  await runtime.close();
  const sorted = [...measured.steps].sort((a, b) => a - b);
  const median = medianOf(measured.steps);
  const flops = 2 * measured.multiplyAdds;
  return {
    model: model.name,
    freeze: options.freeze,
    batch,
    size,
    threads,
    parameters: measured.parameters,
    trainedParameters: measured.trainedParameters,
    steps: sorted.length,
    imagesPerSecond: batch / median,
    slowest: batch / sorted[sorted.length - 1],
    fastest: batch / sorted[0],
    medianStepSeconds: median,
    medianCpuSeconds: medianOf(measured.cpuSeconds),
    flopsPerImage: flops / batch,
    gflopsPerSecond: flops / median / 1e9,
    peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
    engine: engineVersion,
    ...(profile === undefined ? {} : { profile: await readProfile(profile, before) }),
  };
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

/** As `benchStep`, in a process of its own. */
export async function benchStepApart(options: StepOptions): Promise<StepReport> {
  const { profile, ...rest } = options;
  const args = Object.entries(rest).flatMap(([name, value]) => [`--${name}`, String(value)]);
  if (profile !== undefined) args.push('--profile', `${profile}-${options.model}`);
  const command = [...process.execArgv, process.argv[1], 'bench', 'step', ...args, '--json'];
  try {
    const { stdout } = await promisify(execFile)(process.execPath, command, { maxBuffer: 1 << 26 });
    return (JSON.parse(stdout) as { steps: StepReport[] }).steps[0];
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    throw failedError(`bench step of ${options.model} failed`, { cause: error, hint: stderr?.trim() });
  }
}

/** Trace files that begin with a prefix. */
async function tracesOf(prefix: string): Promise<string[]> {
  const directory = dirname(prefix);
  const entries = await readdir(directory).catch(() => {
    throw inputError(`cannot write a trace to ${directory}: there is no such folder`, {
      hint: 'Create it first, or give another --profile prefix.',
    });
  });
  return entries
    .filter((name) => name.startsWith(basename(prefix)) && name.endsWith('.json'))
    .map((name) => join(directory, name));
}

async function readProfile(prefix: string, before: readonly string[]): Promise<StepReport['profile']> {
  const file = (await tracesOf(prefix)).find((path) => !before.includes(path));
  if (!file) throw failedError(`ONNX Runtime wrote no trace to ${prefix}`, { hint: 'Is the folder writable?' });
  // Each of the two runs of the training loop begins with a step that is not measured.
  const ops = timeByOp(await readFile(file, 'utf8'), WARM_UP_STEPS + 1);
  return { file, ops: ops.slice(0, OPS_SHOWN) };
}
