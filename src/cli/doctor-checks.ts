// The checks of `triggerlab doctor`. None of them writes anything.
import { accessSync, constants, existsSync, readFileSync, statfsSync } from 'node:fs';
import { arch, availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { dirname, resolve } from 'node:path';
import { messageOf } from '../core/errors.ts';
import { formatBytes } from '../core/format.ts';
import { DEFAULT_STORE } from '../store/open.ts';

export interface Check {
  readonly name: string;
  readonly status: 'ok' | 'warn' | 'fail';
  readonly found: string;
  /** What to do about it; null when there is nothing to do. */
  readonly next: string | null;
}

const MIN_NODE = [20, 19] as const;
const GB = 1e9;

/** Every check, in the order to show them. */
export async function checkMachine(): Promise<Check[]> {
  const store = resolve(DEFAULT_STORE);
  return [nodeVersion(), cores(), instructions(), memory(), await engine(), folder(store), disk(store)];
}

/** A check whose status follows from whether it is good; `next` is told otherwise. */
function check(name: string, found: string, good: boolean, bad: 'warn' | 'fail', next: string): Check {
  return { name, status: good ? 'ok' : bad, found, next: good ? null : next };
}

function nodeVersion(): Check {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const good = major > MIN_NODE[0] || (major === MIN_NODE[0] && minor >= MIN_NODE[1]);
  return check('Node.js', process.versions.node, good, 'fail', `Install Node.js ${MIN_NODE.join('.')} or newer.`);
}

function cores(): Check {
  const count = availableParallelism();
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  return check(
    'cores',
    `${count} (${model})`,
    count >= 2,
    'warn',
    'Runs will be slow on one core: take --limit or fewer levels.',
  );
}

function instructions(): Check {
  const name = 'instructions';
  if (arch() === 'arm64') return check(name, 'arm64 with Advanced SIMD', true, 'warn', '');
  const flags = cpuFlags();
  if (flags === undefined) return check(name, `${arch()}, flags not readable here`, true, 'warn', '');
  const known = ['sse4_2', 'avx', 'avx2', 'fma', 'avx512f', 'avx512_vnni', 'amx_tile'].filter((flag) =>
    flags.has(flag),
  );
  return check(
    name,
    known.join(' ') || 'none of the vector extensions',
    flags.has('avx2'),
    'warn',
    'Without AVX2 expect a fraction of the speed.',
  );
}

function cpuFlags(): Set<string> | undefined {
  try {
    const line = /^flags\s*:\s*(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'));
    return line ? new Set(line[1].split(' ')) : undefined;
  } catch {
    return undefined;
  }
}

function memory(): Check {
  // In a container the limit counts, not what the machine has; undefined or 0 means no limit.
  const limit = process.constrainedMemory() || Number.POSITIVE_INFINITY;
  const total = Math.min(totalmem(), limit);
  const free = Math.min(freemem(), total);
  return check(
    'memory',
    `${formatBytes(free)} free of ${formatBytes(total)}`,
    total >= 2 * GB,
    'warn',
    'Use one worker: --workers 1.',
  );
}

async function engine(): Promise<Check> {
  try {
    const { availableProviders, engineVersion } = await import('../runtime/node.ts');
    const providers = availableProviders().flatMap(({ name, bundled }) => (bundled ? [name] : []));
    return check('ONNX Runtime', `${engineVersion}, providers: ${providers.join(', ')}`, true, 'fail', '');
  } catch (error) {
    const next = 'Install again with npm ci on a system that ONNX Runtime supports (glibc Linux, macOS, Windows).';
    return check('ONNX Runtime', messageOf(error).split('\n')[0], false, 'fail', next);
  }
}

/** The nearest folder at or above a path that exists. */
function existing(path: string): string {
  let folder = path;
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

function folder(path: string): Check {
  const there = existing(path);
  const found = there === path ? path : `${path} (will be created)`;
  try {
    accessSync(there, constants.W_OK | constants.X_OK);
    return check('store folder', found, true, 'fail', '');
  } catch {
    return check(
      'store folder',
      `${there} is not writable`,
      false,
      'fail',
      'Work in another folder, or name one with --store DIR.',
    );
  }
}

function disk(path: string): Check {
  try {
    const { bavail, bsize } = statfsSync(existing(path));
    const free = bavail * bsize;
    return check(
      'disk',
      `${formatBytes(free)} free`,
      free >= GB,
      free >= GB / 10 ? 'warn' : 'fail',
      'Free some space, or name a folder on another disk with --store DIR.',
    );
  } catch (error) {
    return check('disk', messageOf(error), false, 'warn', 'Make sure that there is about 1 GB of free space.');
  }
}
