// The part of a download that is there already. Each process has a file of its own; parts of ended processes are taken over.
import { readdirSync, readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { makeDirectory } from './files.ts';
import { isAbandoned, isOwnMark, makerMark } from './maker.ts';

/** What the server said of the file that a part belongs to. */
export interface PartOrigin {
  readonly url: string;
  /** ETag or date by which the server recognises the same content; undefined: it gave none. */
  readonly validator?: string;
}

/** Parts that downloads of this process are writing. */
const inUse = new Set<string>();

export class PartialFile {
  readonly path: string;
  received: number;
  /** Whether it consists of the answers to several requests. */
  joined = false;
  #origin: PartOrigin;

  private constructor(path: string, received: number, origin: PartOrigin) {
    this.path = path;
    this.received = received;
    this.#origin = origin;
    inUse.add(path);
  }

  /** Takes over the longest part of `target` from `url` that an ended process left behind, or begins one. */
  static claim(target: string, url: string): PartialFile {
    makeDirectory(dirname(target));
    const path = `${target}.${makerMark()}.part`;
    let best: PartialFile | undefined;
    for (const left of abandonedParts(target)) {
      const origin = readOrigin(left);
      const better = origin?.url === url && sizeOf(left) > (best?.received ?? 0);
      try {
        if (better) {
          // A rename that fails means that another process was faster.
          renameSync(left, path);
          best = new PartialFile(path, sizeOf(path), origin);
          best.remember(origin);
        } else rmSync(left, { force: true });
        rmSync(`${left}.json`, { force: true });
      } catch {}
    }
    if (best) return best;
    writeFileSync(path, '');
    return new PartialFile(path, 0, { url });
  }

  get validator(): string | undefined {
    return this.#origin.validator;
  }

  /** Keeps what the server said, for a process that continues after this one. */
  remember(origin: PartOrigin): void {
    this.#origin = origin;
    writeFileSync(`${this.path}.json`, JSON.stringify(origin));
  }

  /** Forgets what was received. */
  restart(): void {
    truncateSync(this.path, 0);
    this.received = 0;
    this.joined = false;
  }

  /** Makes the part the finished file, whole from the first moment that it is seen. */
  finish(target: string): void {
    renameSync(this.path, target);
    this.discard();
  }

  /** Removes the part. */
  discard(): void {
    rmSync(this.path, { force: true });
    rmSync(`${this.path}.json`, { force: true });
    this.release();
  }

  /** Leaves the part to whoever continues. */
  release(): void {
    inUse.delete(this.path);
  }
}

/** Parts of ended processes, and of downloads of this process that have ended. */
function abandonedParts(target: string): string[] {
  const prefix = `${basename(target)}.`;
  return readdirSync(dirname(target))
    .filter((name) => name.startsWith(prefix) && name.endsWith('.part'))
    .map((name) => ({ mark: name.slice(prefix.length, -'.part'.length), path: join(dirname(target), name) }))
    .filter(({ mark, path }) => (isOwnMark(mark) ? !inUse.has(path) : isAbandoned(mark, path)))
    .map(({ path }) => path);
}

function readOrigin(part: string): PartOrigin | undefined {
  try {
    const { url, validator } = JSON.parse(readFileSync(`${part}.json`, 'utf8')) as Record<string, unknown>;
    if (typeof url !== 'string') return undefined;
    return typeof validator === 'string' ? { url, validator } : { url };
  } catch {
    return undefined;
  }
}

function sizeOf(path: string): number {
  try {
    return statSync(path).size;
  } catch {
    return 0;
  }
}
