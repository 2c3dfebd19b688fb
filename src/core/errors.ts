// The one error type people are meant to read: what was being done, what went wrong, what to do next.

/** `input`: the user's spec, file, model or request is wrong (exit 2). `failed`: the work itself failed (exit 1). */
export type ErrorKind = 'input' | 'failed';

export interface ErrorDetails {
  /** The next step the reader can take. */
  hint?: string;
  cause?: unknown;
}

/** An error whose message is written for the user; everything else that is thrown is a defect of ours. */
export class TriggerlabError extends Error {
  readonly kind: ErrorKind;
  readonly hint: string | undefined;

  constructor(kind: ErrorKind, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'TriggerlabError';
    this.kind = kind;
    this.hint = details.hint;
  }
}

/** Bad usage or input: leads to exit code 2. */
export function inputError(message: string, details?: ErrorDetails): TriggerlabError {
  return new TriggerlabError('input', message, details);
}

/** Work that was asked for rightly but failed: leads to exit code 1. */
export function failedError(message: string, details?: ErrorDetails): TriggerlabError {
  return new TriggerlabError('failed', message, details);
}

/** The text of anything thrown, without its stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
