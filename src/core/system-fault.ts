// What the system refuses (a full disk, a directory that may not be written) is no defect of the program: said in words, with the next step.
import { failedError, messageOf, TriggerlabError } from './errors.ts';

/** `53100` is PostgreSQL's word for it. */
const FULL = new Set(['ENOSPC', 'EDQUOT', '53100']);
const DENIED = new Set(['EACCES', 'EPERM', 'EROFS']);
const TOO_MANY = new Set(['EMFILE', 'ENFILE']);

function codeOf(error: unknown): string {
  return String((error as { code?: unknown } | null | undefined)?.code);
}

/** Whether an error, or what caused it, is that a disk or a quota is full. */
export function isDiskFull(error: unknown): boolean {
  if (FULL.has(codeOf(error))) return true;
  return error instanceof Error && error.cause !== undefined && isDiskFull(error.cause);
}

/** An error of the system as one for people; undefined for any other. */
export function systemFault(error: unknown): TriggerlabError | undefined {
  if (error instanceof TriggerlabError) return undefined;
  const code = codeOf(error);
  if (FULL.has(code)) return diskFull(messageOf(error), error);
  if (DENIED.has(code)) {
    return failedError(`not permitted: ${messageOf(error)}`, {
      hint: 'Name a directory of yours: --store DIR or --out DIR, TRIGGERLAB_CACHE for the cache, TRIGGERLAB_ARTIFACTS for files of runs.',
      cause: error,
    });
  }
  if (TOO_MANY.has(code)) {
    return failedError(`too many open files: ${messageOf(error)}`, {
      hint: 'Raise the limit: ulimit -n.',
      cause: error,
    });
  }
  if (code === 'EIO') {
    return failedError(`the disk fails: ${messageOf(error)}`, { hint: 'Check the disk.', cause: error });
  }
  return undefined;
}

/** That a disk is full. `detail` says which, as far as that is known. */
export function diskFull(detail: string, cause: unknown = { code: 'ENOSPC' }): TriggerlabError {
  return failedError(`the disk is full: ${detail}`, {
    hint: 'Make room, then run the same command again: nothing that was recorded is lost.',
    cause,
  });
}
