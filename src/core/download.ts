// Downloads that survive broken connections: resumed, bounded in size, verified, and in place whole or not at all.
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { requireSpace } from './disk-space.ts';
import { failedError, inputError, messageOf, TriggerlabError } from './errors.ts';
import { type FileDigests, fileDigests } from './file-hash.ts';
import { formatBytes } from './format.ts';
import { PartialFile } from './partial-file.ts';

export interface DownloadOptions {
  /** http or https. */
  readonly url: string;
  /** Where the file goes. What is there already and has the right checksum is kept. */
  readonly to: string;
  /** The SHA-256 in hexadecimal digits, or its beginning. */
  readonly sha256?: string;
  /** The MD5, where nothing better was published. Without either only the length is checked. */
  readonly md5?: string;
  /** A longer file is refused. */
  readonly maxBytes: number;
  /** Space to be free for the file and whatever is made of it. */
  readonly spaceNeeded?: number;
  /** What to do when it cannot be had: the end of every message. */
  readonly hint: string;
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Attempts in a row that bring nothing new, the pause after the first (doubled each time), the longest silence. */
  readonly patience?: { readonly attempts: number; readonly pauseMs: number; readonly silenceMs: number };
}

export interface DownloadProgress {
  readonly received: number;
  /** Received before this call began. */
  readonly resumedAt: number;
  /** Undefined while the server has not said. */
  readonly total: number | undefined;
}

const PATIENCE = { attempts: 5, pauseMs: 1000, silenceMs: 60_000 };
const MAX_ATTEMPTS = 200;

/** A fault that another attempt may not have. */
class Interrupted extends Error {}

/**
 * Downloads a file. Connections that break are taken up where they ended, also by a later process.
 * @throws TriggerlabError (failed) when there is no network, the server refuses, or the file is too long; (input) when it
 * has another checksum, and for an address that is none.
 */
export async function download(options: DownloadOptions): Promise<DownloadedFile> {
  const { url, to } = options;
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) throw inputError(`"${url}" is no http or https address`);
  try {
    return await downloadOrKeep(options);
  } catch (error) {
    if (error instanceof TriggerlabError || !(error instanceof Error && 'syscall' in error)) throw error;
    throw failedError(`cannot write ${to}: ${error.message}`, { hint: 'Set TRIGGERLAB_CACHE to another directory.' });
  }
}

export interface DownloadedFile {
  readonly path: string;
  readonly sha256: string;
  readonly bytes: number;
}

async function downloadOrKeep(options: DownloadOptions): Promise<DownloadedFile> {
  const { url, to } = options;
  // Another process may take it away at any moment.
  const there = await fileDigests(to).catch(() => undefined);
  if (there && mismatch(there, options) === undefined) return { path: to, sha256: there.sha256, bytes: there.bytes };
  const part = PartialFile.claim(to, url);
  try {
    for (let again = 0; ; again++) {
      requireSpace(dirname(to), (options.spaceNeeded ?? 0) - part.received, url);
      await receive(part, options);
      const found = await fileDigests(part.path);
      const wrong = mismatch(found, options);
      if (wrong === undefined) {
        part.finish(to);
        return { path: to, sha256: found.sha256, bytes: found.bytes };
      }
      // Perhaps the file changed between two parts of it: once more, in one go.
      if (!part.joined || again > 0) {
        part.discard();
        throw inputError(`${url} has ${wrong}`, { hint: hintFor(options) });
      }
      part.restart();
    }
  } finally {
    if (part.received === 0) part.discard();
    else part.release();
  }
}

/** In what way a file is another one than expected; undefined when it is not. */
function mismatch(found: FileDigests, { sha256 = '', md5 = found.md5 }: DownloadOptions): string | undefined {
  if (!found.sha256.startsWith(sha256)) return `the SHA-256 ${found.sha256}, ${sha256}… expected`;
  return found.md5 === md5 ? undefined : `the MD5 ${found.md5}, ${md5} expected`;
}

/** Attempts until the part is complete. */
async function receive(part: PartialFile, options: DownloadOptions): Promise<void> {
  const { attempts, pauseMs } = options.patience ?? PATIENCE;
  const resumedAt = part.received;
  let best = part.received;
  let idle = 0;
  for (let attempt = 1; ; attempt++) {
    try {
      await attemptOnce(part, options, resumedAt);
      return;
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      if (part.received > best) [best, idle] = [part.received, 0];
      else idle++;
      if (idle >= attempts || attempt >= MAX_ATTEMPTS) {
        const got = part.received > 0 ? ` after ${formatBytes(part.received)}, which are kept` : '';
        throw fault(options, `cannot download ${options.url}: ${error.message}${got}`);
      }
      await delay(pauseMs * 2 ** Math.max(0, idle - 1));
    }
  }
}

async function attemptOnce(part: PartialFile, options: DownloadOptions, resumedAt: number): Promise<void> {
  const silence = new AbortController();
  const { silenceMs } = options.patience ?? PATIENCE;
  const timer = setTimeout(() => silence.abort(new Error(`nothing came for ${silenceMs / 1000} s`)), silenceMs);
  try {
    const response = await interruptible(() =>
      fetch(options.url, { headers: headersFor(part, options), signal: silence.signal }),
    );
    if (options.url.startsWith('https:') && response.url.startsWith('http:')) {
      await response.body?.cancel();
      throw fault(options, `${options.url} leads to ${response.url}, which is not encrypted`);
    }
    const total = await begin(part, response, options);
    if (total === part.received) return;
    if (total !== undefined && total > options.maxBytes) throw tooLong(options, total);
    await append(part, response, options, () => {
      timer.refresh();
      options.onProgress?.({ received: part.received, resumedAt: Math.min(resumedAt, part.received), total });
    });
    if (total !== undefined && part.received < total) {
      throw new Interrupted(`the connection ended at byte ${part.received} of ${total}`);
    }
  } finally {
    clearTimeout(timer);
    silence.abort();
  }
}

/** Asks for the rest when it is certain that it is the rest of the same file. */
function headersFor(part: PartialFile, { sha256, md5 }: DownloadOptions): Record<string, string> {
  const headers: Record<string, string> = { 'accept-encoding': 'identity', 'user-agent': 'triggerlab' };
  if (part.received > 0 && (part.validator !== undefined || sha256 !== undefined || md5 !== undefined)) {
    headers.range = `bytes=${part.received}-`;
    if (part.validator !== undefined) headers['if-range'] = part.validator;
  }
  return headers;
}

/** Brings the part to where the answer begins; the length of the whole file, or undefined when the server does not say. */
async function begin(part: PartialFile, response: Response, options: DownloadOptions): Promise<number | undefined> {
  const { status, headers } = response;
  if (status === 206) {
    const [, from, whole] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get('content-range') ?? '') ?? [];
    if (Number(from) !== part.received) {
      part.restart();
      throw new Interrupted('the server sent another part than asked for');
    }
    part.joined = part.received > 0;
    return whole === '*' ? undefined : Number(whole);
  }
  if (status === 416) {
    const [, whole] = /^bytes \*\/(\d+)$/.exec(headers.get('content-range') ?? '') ?? [];
    if (Number(whole) === part.received) return part.received;
    part.restart();
    throw new Interrupted('the server has another length than before');
  }
  if (status !== 200) {
    await response.body?.cancel();
    const said = `the server answered ${status}${response.statusText ? ` ${response.statusText}` : ''}`;
    if (status >= 500 || status === 408 || status === 429) throw new Interrupted(said);
    throw fault(options, `cannot download ${options.url}: ${said}`);
  }
  part.restart();
  const etag = headers.get('etag');
  const validator = etag && !etag.startsWith('W/') ? etag : headers.get('last-modified');
  part.remember(validator ? { url: options.url, validator } : { url: options.url });
  const length = headers.get('content-encoding') ? null : headers.get('content-length');
  return length !== null && /^\d+$/.test(length) ? Number(length) : undefined;
}

async function append(
  part: PartialFile,
  response: Response,
  options: DownloadOptions,
  onPart: () => void,
): Promise<void> {
  const handle = await open(part.path, 'a');
  try {
    const reader = response.body?.getReader();
    while (reader) {
      const { done, value } = await interruptible(() => reader.read());
      if (done) return;
      if (part.received + value.length > options.maxBytes) {
        part.discard();
        throw tooLong(options, part.received + value.length);
      }
      await handle.appendFile(value);
      part.received += value.length;
      onPart();
    }
  } finally {
    await handle.close();
  }
}

/** Does something on the network; its faults are worth another attempt. */
async function interruptible<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    // fetch says only "fetch failed"; the reason is the cause.
    const { cause } = error as Error;
    throw new Interrupted(cause === undefined ? messageOf(error) : messageOf(cause) || String(cause));
  }
}

function tooLong(options: DownloadOptions, bytes: number): TriggerlabError {
  return fault(options, `${options.url} has ${bytes} bytes, at most ${options.maxBytes} were expected`);
}

function fault(options: DownloadOptions, message: string): TriggerlabError {
  return failedError(message, { hint: hintFor(options) });
}

function hintFor({ hint }: DownloadOptions): string {
  const { env } = process;
  const proxy = env.HTTPS_PROXY ?? env.https_proxy ?? env.HTTP_PROXY ?? env.http_proxy;
  const unused = proxy !== undefined && env.NODE_USE_ENV_PROXY !== '1';
  const remark = 'A proxy is set, which Node.js uses only from version 24 on and with NODE_USE_ENV_PROXY=1. ';
  return `${unused ? remark : ''}${hint}`;
}
