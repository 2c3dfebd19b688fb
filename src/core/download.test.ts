import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type DownloadOptions, type DownloadProgress, download } from './download.ts';

const content = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 7 + (i >> 8)) % 256));
const sha256 = createHash('sha256').update(content).digest('hex');
const md5 = createHash('md5').update(content).digest('hex');

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
let server: Server;
let folder: string;
let requests: IncomingMessage[] = [];
let answers: Answer[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'triggerlab-download-'));
  requests = [];
  server = createServer((request, response) => {
    requests.push(request);
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    answer?.(request, response);
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
  rmSync(folder, { recursive: true });
});

/** A server that knows ranges and ETags; `cut` breaks the connection after so many bytes of an answer. */
const serve =
  ({ cut = Number.POSITIVE_INFINITY, etag = '"one"', body = content } = {}): Answer =>
  (request, response) => {
    const [, from] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? [];
    const sameFile = request.headers['if-range'] === undefined || request.headers['if-range'] === etag;
    const start = from !== undefined && sameFile ? Number(from) : 0;
    if (start >= body.length) {
      response.writeHead(416, { 'content-range': `bytes */${body.length}` }).end();
      return;
    }
    const headers = { etag, 'content-length': body.length - start };
    if (start > 0) {
      response.writeHead(206, { ...headers, 'content-range': `bytes ${start}-${body.length - 1}/${body.length}` });
    } else response.writeHead(200, headers);
    if (start + cut >= body.length) response.end(body.subarray(start));
    // Long enough for a busy machine to take in what was sent.
    else response.write(body.subarray(start, start + cut), () => setTimeout(() => response.destroy(), 400));
  };
const status =
  (code: number): Answer =>
  (_, response) => {
    response.writeHead(code).end('no');
  };

const target = () => join(folder, 'sub', 'file.bin');
const get = (options: Partial<DownloadOptions> = {}) =>
  download({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/file.bin`,
    to: target(),
    sha256: sha256.slice(0, 8),
    maxBytes: 300_000,
    hint: 'Fetch it by hand.',
    patience: { attempts: 3, pauseMs: 1, silenceMs: 2000 },
    ...options,
  });
const whole = () => {
  expect(readFileSync(target()).equals(content)).toBe(true);
  expect(readdirSync(join(folder, 'sub'))).toEqual(['file.bin']);
};
const nothing = () => expect(existsSync(target())).toBe(false);

describe('download', () => {
  it('fetches a file, tells how far it is, and keeps what is there', async () => {
    answers = [serve()];
    const seen: DownloadProgress[] = [];
    const done = await get({ onProgress: (progress) => seen.push(progress) });
    expect(done).toEqual({ path: target(), sha256, bytes: content.length });
    whole();
    expect(seen.at(-1)).toEqual({ received: content.length, resumedAt: 0, total: content.length });
    await get();
    expect(requests).toHaveLength(1);
    writeFileSync(target(), 'damaged');
    await get();
    whole();
  });

  it.each([1, 777, 65_536, 199_999])('goes on after connections that end after %i bytes', async (cut) => {
    answers = [serve({ cut }), serve({ cut }), serve()];
    await get();
    whole();
    expect(requests.map(({ headers }) => headers.range)).toEqual(
      cut === 199_999 ? [undefined, 'bytes=199999-'] : [undefined, `bytes=${cut}-`, `bytes=${2 * cut}-`],
    );
    expect(requests[1].headers['if-range']).toBe('"one"');
  });

  it('verifies an MD5 too, and takes it as a sign that the rest is of the same file', async () => {
    answers = [serve({ cut: 5000, etag: '' }), serve()];
    await get({ sha256: undefined, md5 });
    whole();
    expect(requests[1].headers.range).toBe('bytes=5000-');
  });

  it('goes on after a connection that ends after any byte', async () => {
    const short = content.subarray(0, 128);
    const digits = createHash('sha256').update(short).digest('hex');
    const [whole, ended] = [
      serve({ body: short }),
      (cut: number): Answer =>
        (_, response) => {
          response.writeHead(200, { etag: '"one"', 'content-length': short.length });
          response.write(short.subarray(0, cut), () => response.destroy());
        },
    ];
    for (let cut = 0; cut < short.length; cut++) {
      answers = [ended(cut), whole];
      requests = [];
      const { path } = await get({ to: join(folder, `at-${cut}`), sha256: digits });
      expect(readFileSync(path).equals(short)).toBe(true);
      // What came last may be lost with the connection.
      expect(Number(/\d+/.exec(requests[1].headers.range ?? '0')?.[0])).toBeLessThanOrEqual(cut);
    }
  });

  it('continues what an earlier call left behind', async () => {
    answers = [serve({ cut: 150_000 }), status(503)];
    await expect(get()).rejects.toMatchObject({
      kind: 'failed',
      message: expect.stringMatching(/503.*150\.0 kB, which are kept/),
    });
    nothing();
    answers = [serve()];
    const seen: DownloadProgress[] = [];
    await get({ onProgress: (progress) => seen.push(progress) });
    whole();
    expect(requests.at(-1)?.headers.range).toBe('bytes=150000-');
    expect(seen[0].resumedAt).toBe(150_000);
  });

  it('starts again when the file has changed, or the server knows no ranges', async () => {
    answers = [serve({ cut: 1000, etag: '"old"', body: Buffer.alloc(200_000) }), serve()];
    await get();
    whole();
    rmSync(target());
    answers = [serve({ cut: 1000 }), (_, response) => response.end(content)];
    await get();
    whole();
  });

  it('starts again when parts of two files came together', async () => {
    const other = Buffer.alloc(200_000, 9);
    answers = [serve({ cut: 1000, body: other }), serve(), serve()];
    await get();
    whole();
    expect(requests[2].headers.range).toBeUndefined();
  });

  it('starts again when the server sends another part than asked for', async () => {
    const wrong: Answer = (_, response) => {
      response.writeHead(206, { 'content-range': `bytes 5-${content.length - 1}/${content.length}` });
      response.end(content.subarray(5));
    };
    answers = [serve({ cut: 1000 }), wrong, serve()];
    await get();
    whole();
  });

  it('two at a time do not disturb each other', async () => {
    answers = [serve({ cut: 1000 }), serve({ cut: 50_000 }), serve()];
    await Promise.all([get(), get(), get()]);
    whole();
  });

  it('does not continue without a sign that it is the same file', async () => {
    const plain: Answer = (_, response) => response.end(content);
    const cut: Answer = (_, response) => {
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, 1000), () => setTimeout(() => response.destroy(), 20));
    };
    answers = [cut, plain];
    await get({ sha256: undefined });
    whole();
    expect(requests[1].headers.range).toBeUndefined();
  });
});

describe('a download that fails', () => {
  const fails = async (message: RegExp, options: Partial<DownloadOptions> = {}, kind = 'failed') => {
    await expect(get(options)).rejects.toMatchObject({
      kind,
      message: expect.stringMatching(message),
      hint: expect.stringContaining('Fetch it by hand.'),
    });
    nothing();
  };

  it.each([404, 403])('%i: at once', async (code) => {
    answers = [status(code)];
    await fails(new RegExp(`the server answered ${code}`));
    expect(requests).toHaveLength(1);
  });

  it('500: after some attempts', async () => {
    answers = [status(500)];
    await fails(/the server answered 500/);
    expect(requests).toHaveLength(3);
  });

  it.each([
    [{}, /has the SHA-256 [0-9a-f]{64}, [0-9a-f]{8}… expected/],
    [{ sha256: undefined, md5 }, /has the MD5 [0-9a-f]{32}, [0-9a-f]{32} expected/],
  ])('another content', async (options, message) => {
    answers = [serve({ body: Buffer.alloc(1000, 1) })];
    await fails(message, options, 'input');
    expect(readdirSync(join(folder, 'sub'))).toEqual([]);
  });

  it('a length that is too short for the content', async () => {
    answers = [
      (_, response) => {
        response.writeHead(200, { 'content-length': 1000 });
        response.socket?.end(Buffer.concat([Buffer.from(''), content]));
        response.flushHeaders();
      },
    ];
    await fails(/./);
  });

  it('a length that is too long for the content', async () => {
    answers = [
      (request, response) => {
        const start = Number(/\d+/.exec(request.headers.range ?? '0')?.[0]);
        response.writeHead(200, { 'content-length': content.length + 50 - start });
        response.end(content.subarray(start));
      },
    ];
    await fails(/cannot download/, { patience: { attempts: 2, pauseMs: 1, silenceMs: 100 } });
  });

  it('more bytes than allowed, said beforehand or not', async () => {
    answers = [serve()];
    await fails(/has 200000 bytes, at most 1000/, { maxBytes: 1000 });
    answers = [
      (_, response) => {
        response.write(content);
        response.end(content);
      },
    ];
    await fails(/at most 300000/);
    expect(readdirSync(join(folder, 'sub'))).toEqual([]);
  });

  it('silence', async () => {
    answers = [(_, response) => void response.writeHead(200, { 'content-length': 10 }).flushHeaders()];
    await fails(/nothing came for 0.05 s/, { patience: { attempts: 2, pauseMs: 1, silenceMs: 50 } });
  });

  it('no network: says so, with a word about proxies', async () => {
    vi.stubEnv('HTTPS_PROXY', 'http://proxy:3128');
    vi.stubEnv('NODE_USE_ENV_PROXY', '');
    await expect(get({ url: 'http://127.0.0.1:1/file' })).rejects.toMatchObject({
      message: expect.stringMatching(/cannot download http:\/\/127\.0\.0\.1:1\/file: ./),
      hint: expect.stringMatching(/A proxy is set.*Fetch it by hand/),
    });
    await expect(get({ url: 'ftp://x/y' })).rejects.toMatchObject({ kind: 'input' });
  });

  it('no room', async () => {
    answers = [serve()];
    await expect(get({ spaceNeeded: 1e18 })).rejects.toMatchObject({ message: expect.stringMatching(/no room/) });
    expect(requests).toHaveLength(0);
  });
});
