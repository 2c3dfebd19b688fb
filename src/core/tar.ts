// Reads the files of a tar archive, perhaps compressed, that we do not trust: one after another, nothing is ever unpacked to disk.
import { Readable } from 'node:stream';
import type { Headers } from 'tar-stream';
import { inputError, messageOf, TriggerlabError } from './errors.ts';
import { unpackedBytes } from './gunzip.ts';

export interface TarFile {
  /** Path inside, `/` between its parts. */
  readonly name: string;
  readonly bytes: number;
  /** To be read before the next file is asked for, or not at all. */
  readonly content: AsyncIterable<Uint8Array>;
}

const MAX_ENTRIES = 10_000;

/**
 * The files of the archive at `path`, in its order; folders are left out.
 * @throws TriggerlabError (input) when it is damaged or cut short, unpacks to more than `maxBytes`, or holds links, other
 * things than files, or names that point outside.
 */
export async function* tarFiles(path: string, maxBytes: number, maxEntries = MAX_ENTRIES): AsyncGenerator<TarFile> {
  const bytes = Readable.from(unpackedBytes(path, maxBytes), { objectMode: false });
  // Loaded here: whoever looks a dataset up only wants its name.
  const { extract } = await import('tar-stream');
  const archive = extract();
  bytes.on('error', (error) => archive.destroy(error));
  bytes.pipe(archive);
  try {
    let entries = 0;
    for await (const entry of archive) {
      if (++entries > maxEntries) throw inputError(`${path} has more than ${maxEntries} entries`);
      checkEntry(path, entry.header);
      if (entry.header.type === 'directory') entry.resume();
      else {
        yield { name: entry.header.name, bytes: entry.header.size ?? 0, content: contentOf(path, entry) };
        entry.resume();
      }
    }
  } catch (cause) {
    throw damaged(path, cause);
  } finally {
    bytes.destroy();
    archive.destroy();
  }
}

/** Read by the caller, whose loop an archive that is cut short ends within a file. */
async function* contentOf(path: string, entry: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* entry;
  } catch (cause) {
    throw damaged(path, cause);
  }
}

function damaged(path: string, cause: unknown): TriggerlabError {
  if (cause instanceof TriggerlabError) return cause;
  return inputError(`${path} is no intact tar archive: ${messageOf(cause)}`, {
    hint: 'It is damaged, cut short or of another kind: fetch it again.',
    cause,
  });
}

function checkEntry(path: string, { name, type }: Headers): void {
  if (name.startsWith('/') || /^[a-z]:/i.test(name) || name.split(/[/\\]/).includes('..') || name.includes('\0')) {
    throw inputError(`${path}: the name ${JSON.stringify(name.slice(0, 100))} points outside the archive`, {
      hint: 'It is not the published archive. Do not unpack it.',
    });
  }
  if (type !== 'file' && type !== 'contiguous-file' && type !== 'directory') {
    throw inputError(`${path}: ${name.slice(0, 100)} is a ${type}, not a file`, {
      hint: 'It is not the published archive. Do not unpack it.',
    });
  }
}
