// `triggerlab bench workers`: how many runs at the same time make the most of this machine's cores.

import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { formatBytes } from '../core/format.ts';
import { sumOf } from '../core/sums.ts';
import { parseFreeze } from '../models/freeze.ts';
import { modelNamed } from '../models/named.ts';
import { textTable } from '../report/text-table.ts';
import { keepLayout, type MeasuredLayout, possibleLayouts } from '../runner/layout.ts';
import { finish } from './command.ts';
import { wholeNumber } from './numbers.ts';
import { log, print, printJson } from './output.ts';

interface Options {
  readonly model: string;
  readonly batch: number;
  readonly size: number;
  readonly freeze: string;
  readonly seconds: number;
  readonly json?: boolean;
}

export function registerBenchWorkers(group: Command): void {
  const workers = group
    .command('workers')
    .option('--model <name>', 'a model (triggerlab models ls) or the path of an ONNX file', 'resnet-mini')
    .option('--batch <n>', 'images per step', wholeNumber(2, 4096), 128)
    .option('--size <pixels>', 'side of the images', wholeNumber(16, 1024), 32)
    .option('--freeze <policy>', 'what is trained: paper, head, none or from:<n>', 'paper')
    .option('--seconds <n>', 'how long to measure each layout, after a warm-up', wholeNumber(1, 600), 5)
    .description('try every split of the cores into workers and threads; run takes the fastest from then on');
  finish(workers, ['bench workers', 'bench workers --model resnet152 --batch 16 --size 128 --seconds 20']).action(
    workersCommand,
  );
}

async function workersCommand({ json, ...options }: Options): Promise<void> {
  parseFreeze(options.freeze);
  const { name: model } = await modelNamed(options.model);
  const { benchStepApart } = await import('./bench-step.ts');
  const rows: MeasuredLayout[] = [];
  for (const layout of possibleLayouts(availableParallelism())) {
    log(`${layout.workers} workers of ${layout.threads} threads …`);
    const step = { ...options, threads: layout.threads };
    const reports = await Promise.all(Array.from({ length: layout.workers }, () => benchStepApart(step)));
    rows.push({
      ...layout,
      imagesPerSecond: sumOf(reports, (report) => report.imagesPerSecond),
      memoryBytes: sumOf(reports, (report) => report.peakMemoryBytes),
    });
  }
  const best = rows.reduce((a, b) => (b.imagesPerSecond > a.imagesPerSecond ? b : a));
  const path = await keepLayout(model, best);
  if (json) return printJson({ model, layouts: rows, best, file: path });
  const right = (title: string) => ({ title, align: 'right' as const });
  print(
    textTable(
      ['workers', 'threads', 'images/s', 'memory'].map(right),
      rows.map(({ workers, threads, imagesPerSecond, memoryBytes }) => [
        String(workers),
        String(threads),
        imagesPerSecond.toFixed(0),
        formatBytes(memoryBytes),
      ]),
    ),
  );
  print(`\nrun takes ${best.workers} workers of ${best.threads} threads for ${model} from now on (${path}).`);
}
