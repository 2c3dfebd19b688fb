// A disk of a given size, to be filled: a tmpfs that root mounts for the time of a test.
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SmallDisk {
  readonly path: string;
  /** Leaves no room, or so many bytes of it. */
  fill(leave?: number): void;
  /** Takes away what `fill` wrote. */
  makeRoom(): void;
  /** Lets nothing more be written, by anybody; or everything again. */
  readOnly(on: boolean): void;
  remove(): void;
}

/** A disk of so many bytes; undefined where none may be mounted. */
export function smallDisk(bytes: number): SmallDisk | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined;
  const parent = mkdtempSync(join(tmpdir(), 'small-disk-'));
  const path = join(parent, 'disk');
  mkdirSync(path);
  const mount = (...args: string[]) => execFileSync('mount', args, { stdio: 'ignore' });
  try {
    mount('-t', 'tmpfs', '-o', `size=${bytes}`, 'none', path);
  } catch {
    rmSync(parent, { recursive: true });
    return undefined;
  }
  const filler = join(path, 'filler');
  return {
    path,
    fill(leave = 0) {
      const file = openSync(filler, 'w');
      for (const piece of [1 << 20, 4096, 1]) {
        try {
          for (;;) writeSync(file, Buffer.alloc(piece));
        } catch {
          // No room for a piece of this size.
        }
      }
      closeSync(file);
      if (leave > 0) execFileSync('truncate', ['-s', `-${leave}`, filler]);
    },
    makeRoom: () => rmSync(filler, { force: true }),
    readOnly: (on) => void mount('-o', `remount,${on ? 'ro' : 'rw'}`, path),
    remove() {
      execFileSync('umount', ['--lazy', path], { stdio: 'ignore' });
      rmSync(parent, { recursive: true });
    },
  };
}
