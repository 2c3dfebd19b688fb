// `triggerlab bench`: how fast this machine trains, and where the time goes.
import type { Command } from 'commander';
import { formatBytes, formatPercent } from '../core/format.ts';
import { isModelReference } from '../core/references.ts';
import { takesSize } from '../models/architecture.ts';
import { parseFreeze } from '../models/freeze.ts';
import { models } from '../models/registry.ts';
import { textTable } from '../report/text-table.ts';
import { registerBenchCalibrate } from './bench-calibrate.ts';
import { registerBenchData } from './bench-data.ts';
import { registerBenchWorkers } from './bench-workers.ts';
import { finish } from './command.ts';
import { wholeNumber } from './numbers.ts';
import { log, print, printJson } from './output.ts';

/** What `bench step --json` prints of each model. */
export interface StepReport {
  readonly model: string;
  readonly freeze: string;
  readonly batch: number;
  readonly size: number;
  readonly threads: number;
  /** Numbers in the network's parameters, and in those that are trained. */
  readonly parameters: number;
  readonly trainedParameters: number;
  readonly steps: number;
  /** At the median step; `slowest` and `fastest` at the longest and the shortest. */
  readonly imagesPerSecond: number;
  readonly slowest: number;
  readonly fastest: number;
  readonly medianStepSeconds: number;
  /** Processor time of the median step, over all threads. */
  readonly medianCpuSeconds: number;
  /** Floating-point operations of convolutions and matrix products, two for each multiply-add. */
  readonly flopsPerImage: number;
  readonly gflopsPerSecond: number;
  readonly peakMemoryBytes: number;
  readonly engine: string;
  /** With `--profile`: the trace file, and milliseconds per step of the dearest op types. */
  readonly profile?: { readonly file: string; readonly ops: readonly OpRow[] };
}

export interface OpRow {
  readonly op: string;
  readonly calls: number;
  readonly milliseconds: number;
  readonly share: number;
}

export interface StepOptions {
  readonly model: string;
  readonly batch: number;
  readonly size: number;
  readonly freeze: string;
  readonly threads: number;
  readonly seconds: number;
  readonly profile?: string;
}

export function registerBench(program: Command): void {
  const group = program.command('bench').description('measure how fast this machine trains');
  registerBenchWorkers(group);
  registerBenchData(group);
  registerBenchCalibrate(group);
  const step = group
    .command('step', { isDefault: true })
    .option(
      '--model <name>',
      'a model (triggerlab models ls), the path of an ONNX file, or all that take images of the size',
      'all',
    )
    .option('--batch <n>', 'images per step', wholeNumber(2, 4096), 128)
    .option('--size <pixels>', 'side of the images', wholeNumber(16, 1024), 32)
    .option('--freeze <policy>', 'what is trained: paper, head, none or from:<n>', 'paper')
    .option('--threads <n>', 'threads inside one operation', wholeNumber(1, 256), 1)
    .option('--seconds <n>', 'how long to measure, after a warm-up', wholeNumber(1, 600), 5)
    .option('--profile <prefix>', "write ONNX Runtime's trace to files beginning so, and print time by op type")
    .description('images per second of one full training step on synthetic images');
  finish(step, [
    'bench step',
    'bench step --model resnet-mini --freeze none --threads 2 --json',
    'bench step --model alexnet-mini --profile /tmp/alexnet',
  ]).action(stepCommand);
}

async function stepCommand({ json, ...options }: StepOptions & { readonly json?: boolean }): Promise<void> {
  parseFreeze(options.freeze);
  const names =
    options.model === 'all'
      ? models.names.filter((name) => takesSize(models.get(name).architecture, options.size))
      : [isModelReference(options.model) ? options.model : models.get(options.model).name];
  // Loaded here because it brings in the engine, which help and bad usage should not wait for.
  const { benchStep, benchStepApart } = await import('./bench-step.ts');
  const reports: StepReport[] = [];
  // Several models: each in a process of its own, so that peak memory is its own too.
  for (const [i, model] of names.entries()) {
    if (names.length > 1) log(`${model} (${i + 1} of ${names.length})`);
    reports.push(await (names.length > 1 ? benchStepApart : benchStep)({ ...options, model }));
  }
  if (json) printJson({ steps: reports });
  else print(stepText(reports));
}

function stepText(reports: readonly StepReport[]): string {
  const right = (title: string) => ({ title, align: 'right' as const });
  const columns = [
    { title: 'model' },
    { title: 'freeze' },
    ...['images/s', 'slowest', 'fastest', 'steps', 'ms/step', 'MFLOP/image', 'GFLOP/s', 'peak memory'].map(right),
  ];
  const rows = reports.map((report) => [
    report.model,
    report.freeze,
    ...[report.imagesPerSecond, report.slowest, report.fastest, report.steps].map((value) => value.toFixed(0)),
    (1000 * report.medianStepSeconds).toFixed(1),
    (report.flopsPerImage / 1e6).toFixed(1),
    report.gflopsPerSecond.toFixed(1),
    formatBytes(report.peakMemoryBytes),
  ]);
  const [{ batch, size, threads, engine }] = reports;
  return [
    `Training step with Adam, batch ${batch}, ${size} × ${size} pixels, threads ${threads}, ONNX Runtime ${engine}`,
    'images/s is that of the median step',
    '',
    textTable(columns, rows),
    ...reports.flatMap(profileText),
  ].join('\n');
}

function profileText({ model, profile }: StepReport): string[] {
  if (!profile) return [];
  const columns = [
    { title: 'op' },
    { title: 'calls', align: 'right' as const },
    { title: 'ms/step', align: 'right' as const },
    { title: 'share', align: 'right' as const },
  ];
  const rows = profile.ops.map(({ op, calls, milliseconds, share }) => [
    op,
    calls.toFixed(0),
    milliseconds.toFixed(2),
    formatPercent(share),
  ]);
  return ['', `${model}: time by op type; trace in ${profile.file}`, textTable(columns, rows)];
}
