// Files named by their content: each is written once, whole, and is checked when it is read.
import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../core/files.ts';
import { sha256Hex } from '../core/hash.ts';

export class ArtifactFiles {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** Where the content with this hash lies: `ab/cdef…`. */
  pathOf(sha256: string): string {
    return join(this.directory, sha256.slice(0, 2), sha256.slice(2));
  }

  /** Writes content unless it is there already, sound. Returns its SHA-256. */
  async put(bytes: Uint8Array): Promise<string> {
    const sha256 = sha256Hex(bytes);
    if (typeof (await this.get(sha256)) === 'string') await writeFileAtomic(this.pathOf(sha256), bytes);
    return sha256;
  }

  /** The content with this hash, or why there is none. */
  async get(sha256: string): Promise<Uint8Array | 'missing' | 'corrupt'> {
    const path = this.pathOf(sha256);
    try {
      if (!(await stat(path)).isFile()) return 'corrupt';
      const bytes = new Uint8Array(await readFile(path));
      return sha256Hex(bytes) === sha256 ? bytes : 'corrupt';
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'missing';
      throw error;
    }
  }

  async remove(sha256: string): Promise<void> {
    await rm(this.pathOf(sha256), { force: true });
  }
}
