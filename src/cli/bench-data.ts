// `triggerlab bench data`: how fast rows come out of a packed dataset when they lie in the page cache.
import { cpus } from 'node:os';
import type { Command } from 'commander';
import { inputError } from '../core/errors.ts';
import { bytesPerImage } from '../core/images.ts';
import { Rng } from '../core/rng.ts';
import type { ImageSource } from '../data/dataset.ts';
import { findDataset } from '../data/references.ts';
import { textTable } from '../report/text-table.ts';
import { finish } from './command.ts';
import { wholeNumber } from './numbers.ts';
import { print, printJson } from './output.ts';
import { withSteps } from './progress.ts';

interface Options {
  readonly rows: number;
  readonly repeats: number;
  readonly json?: boolean;
}

const ROWS_PER_READ = 128;

export function registerBenchData(group: Command): void {
  const command = group
    .command('data')
    .argument('<dataset>', 'a name or a path, with its options')
    .option('--rows <n>', 'training rows read in one go, chosen at random', wholeNumber(1, 10_000_000), 10_000)
    .option('--repeats <n>', 'how often; the median counts', wholeNumber(1, 1000), 7)
    .description('measure how fast random rows of a packed dataset are read');
  finish(command, ['bench data tiny-imagenet', 'bench data mnist --rows 50000 --json']).action(benchData);
}

async function benchData(name: string, { rows, repeats, json }: Options): Promise<void> {
  const { definition, train } = await withSteps(async (onProgress) => {
    const definition = await findDataset(name, onProgress);
    return { definition, train: (await definition.load(onProgress)).train };
  });
  if (!definition.packedFile) {
    throw inputError(`${name} is built in and lies in memory`, { hint: 'Choose a dataset of triggerlab datasets ls.' });
  }
  const chosen = randomRows(train, rows);
  const bytes = rows * bytesPerImage(train);
  // The first time brings the rows into the page cache.
  timeReading(train, chosen);
  const before = process.cpuUsage();
  const seconds = Array.from({ length: repeats }, () => timeReading(train, chosen));
  const { user, system } = process.cpuUsage(before);
  const sorted = seconds.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)];
  const result = {
    ...{ dataset: definition.name, rows, bytesPerRow: bytesPerImage(train), rowsPerRead: ROWS_PER_READ, repeats },
    megabytesPerSecond: bytes / median / 1e6,
    slowest: bytes / sorted[sorted.length - 1] / 1e6,
    rowsPerSecond: rows / median,
    // Tells more than the clock where other programs keep the machine busy.
    megabytesPerCpuSecond: (repeats * bytes) / Math.max(1, user + system),
  };
  if (json) {
    printJson({ machine: { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length }, ...result });
    return;
  }
  const right = 'right' as const;
  const columns = [
    { title: 'dataset' },
    { title: 'bytes a row', align: right },
    { title: 'MB/s', align: right },
    { title: 'slowest', align: right },
    { title: 'rows/s', align: right },
    { title: 'MB per CPU second', align: right },
  ];
  const whole = (value: number) => Math.round(value).toLocaleString('en');
  const { dataset, bytesPerRow, megabytesPerSecond, slowest, rowsPerSecond, megabytesPerCpuSecond } = result;
  const numbers = [bytesPerRow, megabytesPerSecond, slowest, rowsPerSecond, megabytesPerCpuSecond];
  const cells = [dataset, ...numbers.map(whole)];
  print(`${textTable(columns, [cells])}\n${rows} random rows, ${ROWS_PER_READ} at a time, median of ${repeats}.`);
}

function randomRows({ count }: ImageSource, rows: number): Int32Array {
  const rng = Rng.of(0, 'bench', 'data');
  return Int32Array.from({ length: rows }, () => rng.int(0, count - 1));
}

/** Seconds to read the rows in batches, as training does. */
function timeReading(source: ImageSource, rows: Int32Array): number {
  const out = new Uint8Array(ROWS_PER_READ * bytesPerImage(source));
  const started = performance.now();
  for (let first = 0; first < rows.length; first += ROWS_PER_READ) {
    source.read(rows.subarray(first, first + ROWS_PER_READ), out);
  }
  return (performance.now() - started) / 1000;
}
