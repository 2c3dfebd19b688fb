// The only place that writes to stdout and stderr: results on stdout, everything about the work on stderr.
import { messageOf, TriggerlabError } from '../core/errors.ts';
import { systemFault } from '../core/system-fault.ts';

/** Version of the shapes that `--json` prints; raised when a field changes its meaning or goes away. */
export const SCHEMA_VERSION = 1;

/** Exit codes: 0 done, 1 the work failed, 2 bad usage or input. */
export type ExitCode = 0 | 1 | 2;

/** A usage error found by the argument parser. */
export interface UsageFault {
  readonly message: string;
  readonly hint: string | undefined;
}

/** A reader that goes away (`triggerlab … | head`) ends the program quietly. */
export function endQuietlyWithoutReader(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0);
      throw error;
    });
  }
}

/** Writes a result for people, one line break after it. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Writes the one JSON document of a `--json` command, the schema's version first. */
export function printJson(document: object): void {
  process.stdout.write(`${JSON.stringify({ schemaVersion: SCHEMA_VERSION, ...document }, null, 2)}\n`);
}

/** Writes text as it is, and waits until the reader has room for more. */
export async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await new Promise<void>((resolve) => process.stdout.once('drain', resolve));
}

/** Writes the one JSON document of a `--json` command that is a long list, batch by batch: as `printJson({name: […]})` would. */
export async function printJsonList(name: string, batches: AsyncIterable<readonly unknown[]>): Promise<void> {
  await write(`{\n  "schemaVersion": ${SCHEMA_VERSION},\n  "${name}": [`);
  let first = true;
  for await (const batch of batches) {
    const texts = batch.map((item) => `\n    ${JSON.stringify(item, null, 2).replaceAll('\n', '\n    ')}`);
    await write(`${first ? '' : ','}${texts.join(',')}`);
    first = false;
  }
  await write(first ? ']\n}\n' : '\n  ]\n}\n');
}

/** Writes a line about the work going on. */
export function log(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Tells an error as `--json` asks for or not, and gives the exit code it leads to. */
export function reportError(thrown: unknown, json: boolean): ExitCode {
  const error = systemFault(thrown) ?? thrown;
  if (error instanceof TriggerlabError) {
    tell(error.kind, error.message, error.hint, json);
    return error.kind === 'input' ? 2 : 1;
  }
  const hint = 'This is a defect of triggerlab: please report it with the command that you ran.';
  tell('defect', `unexpected: ${messageOf(error)}`, hint, json);
  if (process.env.TRIGGERLAB_DEBUG === '1') log(error instanceof Error && error.stack ? error.stack : String(error));
  else log('TRIGGERLAB_DEBUG=1 shows where it happened.');
  return 1;
}

/** Tells a usage error; leads to exit code 2. */
export function reportUsage({ message, hint }: UsageFault, json: boolean): ExitCode {
  tell('input', message, hint, json);
  return 2;
}

function tell(kind: string, message: string, hint: string | undefined, json: boolean): void {
  if (json) printJson({ error: { kind, message, hint: hint ?? null } });
  log(`error: ${message}${hint === undefined ? '' : `\n  ${hint}`}`);
}
