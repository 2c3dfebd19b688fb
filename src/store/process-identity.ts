// Tells a process from a later one that was given the same number.
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Fields 3 (state) and 22 (start, in clock ticks since boot) of /proc/PID/stat; undefined where there is no /proc. */
function linuxStat(pid: number): { state: string; start: string } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command in field 2 is in parentheses and may hold spaces and parentheses itself.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0], start: fields[19] };
  } catch {
    return undefined;
  }
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

/** When a process began, as text to compare: unique with its number on this machine. Null where it cannot be told. */
export function processStart(pid: number): string | null {
  const stat = linuxStat(pid);
  return stat ? `${bootId()}:${stat.start}` : null;
}

/** Whether the process `pid` that began at `start` (see processStart; null for unknown) still runs on this machine. */
export function isProcessAlive(pid: number, start: string | null): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it exists and belongs to somebody else.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const stat = linuxStat(pid);
  if (stat?.state === 'Z' || stat?.state === 'X') return false;
  const now = processStart(pid);
  return start === null || now === null || start === now;
}

/** Names the set of processes in which process numbers mean something: the host, and on Linux the container. */
export function processSpace(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}
