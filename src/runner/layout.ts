// How many runs go at the same time, and with how many threads each: from a measurement of this machine where there is one.
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { cacheDirectory } from '../core/cache-directory.ts';
import { writeFileAtomic } from '../core/files.ts';
import { splitVersion } from '../core/references.ts';

export interface Layout {
  /** Runs at the same time, each in a process of its own. */
  readonly workers: number;
  /** Threads inside one op of each. */
  readonly threads: number;
}

export interface MeasuredLayout extends Layout {
  /** Of all workers together. */
  readonly imagesPerSecond: number;
  /** Peak resident memory of all workers together. */
  readonly memoryBytes: number;
}

/** The fastest layout of each model that was measured on this machine. */
interface LayoutFile {
  readonly schemaVersion: 1;
  readonly machine: string;
  readonly models: Readonly<Record<string, MeasuredLayout>>;
}

const layoutFile = () => join(cacheDirectory(), 'layouts.json');
const machine = () => `${cpus()[0]?.model.trim()} × ${availableParallelism()}`;

/** Every split of `cores` into workers with the same number of threads, most workers first. */
export function possibleLayouts(cores: number): Layout[] {
  const workers = Array.from({ length: cores }, (_, i) => cores - i).filter((n) => cores % n === 0);
  return workers.map((n) => ({ workers: n, threads: cores / n }));
}

/**
 * The layout for a sweep over `models`: as measured for them (of several, that with the fewest workers, which needs the least
 * memory), else one worker per core. Never more workers than `runs`: their cores go to the threads of the others.
 */
export function chooseLayout(models: Iterable<string>, runs: number, wanted?: number): Layout {
  const cores = availableParallelism();
  const known = readLayouts();
  const names = [...models].map((name) => splitVersion(name).model);
  const measured = names.flatMap((model) => (Object.hasOwn(known, model) ? [known[model].workers] : []));
  const workers = Math.min(wanted ?? Math.min(cores, ...measured), runs);
  return { workers, threads: Math.max(1, Math.floor(cores / workers)) };
}

/** Keeps the fastest of a model's measured layouts for later sweeps; answers where. */
export async function keepLayout(model: string, best: MeasuredLayout): Promise<string> {
  const models = { ...readLayouts(), [splitVersion(model).model]: best };
  const file: LayoutFile = { schemaVersion: 1, machine: machine(), models };
  await writeFileAtomic(layoutFile(), `${JSON.stringify(file, null, 2)}\n`);
  return layoutFile();
}

/** Empty when nothing was measured here, or the file is not what this version writes. */
function readLayouts(): LayoutFile['models'] {
  try {
    const file = JSON.parse(readFileSync(layoutFile(), 'utf8')) as LayoutFile;
    if (file.schemaVersion !== 1 || file.machine !== machine()) return {};
    const sound = ([, layout]: [string, MeasuredLayout]) => Number.isInteger(layout.workers) && layout.workers >= 1;
    return Object.fromEntries(Object.entries(file.models).filter(sound));
  } catch {
    return {};
  }
}
