// `weights pull` as a real process that is killed in the middle: the next one goes on where it ended.
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { describeArchitecture } from '../src/models/architecture.ts';
import { models } from '../src/models/registry.ts';
import { randomState } from '../src/models/state.ts';
import { publishedFor } from '../src/models/weights/published.ts';
import { encodeSafetensors } from '../src/models/weights/safetensors.ts';
import { cli, startCli } from './support/cli.ts';

const MODEL = 'googlenet';
const [{ file }] = publishedFor(MODEL);
let folder: string;
let content: Buffer;
let server: Server;
/** Bytes of an answer after which the server goes silent. */
let stopAfter = Number.POSITIVE_INFINITY;
const requests: IncomingHttpHeaders[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'triggerlab-pull-'));
  const { architecture } = models.get(MODEL);
  content = Buffer.from(encodeSafetensors(randomState(describeArchitecture(architecture, 224, 3), 0)));
  // The table of published files, told the hash of what this test serves under the name of one of them.
  const sha256 = createHash('sha256').update(content).digest('hex').slice(0, 8);
  const table = pathToFileURL(resolve(import.meta.dirname, '../dist/models/weights/published.js'));
  const patch = join(folder, 'patch.mjs');
  const changes = JSON.stringify({ sha256, bytes: content.length });
  writeFileSync(
    patch,
    `import { publishedFor } from '${table}'; Object.assign(publishedFor('${MODEL}')[0], ${changes});`,
  );
  vi.stubEnv('NODE_OPTIONS', `--import ${pathToFileURL(patch)}`);
  server = createServer((request, response) => {
    requests.push(request.headers);
    const [, from = '0'] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? [];
    const start = Number(from);
    const range = { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` };
    response.writeHead(start > 0 ? 206 : 200, {
      etag: '"one"',
      'content-length': content.length - start,
      ...(start > 0 ? range : {}),
    });
    if (stopAfter < content.length - start) response.write(content.subarray(start, start + stopAfter));
    else response.end(content.subarray(start));
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  requests.length = 0;
  stopAfter = Number.POSITIVE_INFINITY;
  rmSync(join(folder, 'cache'), { recursive: true, force: true });
  vi.stubEnv('TRIGGERLAB_CACHE', join(folder, 'cache'));
  vi.stubEnv('TRIGGERLAB_WEIGHTS_URL', `http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
});

const inCache = (part: string) => join(folder, 'cache', part);
const list = (part: string) => {
  try {
    return readdirSync(inCache(part)).sort();
  } catch {
    return [];
  }
};
const sizes = (part: string, ending: string) =>
  list(part)
    .filter((name) => name.endsWith(ending))
    .map((name) => statSync(join(inCache(part), name), { throwIfNoEntry: false })?.size ?? 0);

/** Starts a pull and kills it with SIGKILL as soon as the condition holds. */
async function killWhen(condition: () => boolean): Promise<void> {
  const { child, finished } = startCli(folder, ['weights', 'pull', MODEL]);
  try {
    await vi.waitFor(() => expect(condition()).toBe(true), { timeout: 30_000, interval: 2 });
  } finally {
    child.kill('SIGKILL');
  }
  expect(await finished).toMatchObject({ code: null });
}

/** A pull that succeeds and leaves nothing but the weights. */
async function pullsTheRest(): Promise<void> {
  stopAfter = Number.POSITIVE_INFINITY;
  const { code, stdout, stderr } = await cli(folder, 'weights', 'pull', MODEL, '--json');
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const { weights } = JSON.parse(stdout);
  expect(weights).toMatchObject({ name: `${MODEL}@V1`, classes: 3, where: 'cache', plain: true });
  expect(createHash('sha256').update(readFileSync(weights.path)).digest('hex')).toBe(weights.sha256);
  expect(list('downloads')).toEqual([]);
  expect(list('weights')).toEqual([weights.file, `${MODEL}@V1.json`]);
}

test('killed while it downloads', async () => {
  const received = 5_000_000;
  stopAfter = received;
  await killWhen(() => sizes('downloads', '.part')[0] === received);
  expect(list('weights')).toEqual([]);
  await pullsTheRest();
  expect(requests.map(({ range }) => range)).toEqual([undefined, `bytes=${received}-`]);
  expect(requests[1]['if-range']).toBe('"one"');
});

test('killed twice, the second time after some more', async () => {
  stopAfter = 3_000_000;
  await killWhen(() => sizes('downloads', '.part')[0] === 3_000_000);
  await killWhen(() => sizes('downloads', '.part')[0] === 6_000_000);
  await pullsTheRest();
  expect(requests.map(({ range }) => range)).toEqual([undefined, 'bytes=3000000-', 'bytes=6000000-']);
});

test('killed while it imports', async () => {
  await killWhen(() => list('weights').some((name) => name.endsWith('.tmp')));
  const finished = list('weights').includes(`${MODEL}@V1.json`);
  await pullsTheRest();
  // The download was whole: it is not fetched again.
  if (!finished) expect(requests).toHaveLength(1);
});

test('a part that somebody damaged is found out and fetched again', async () => {
  stopAfter = 1_000_000;
  await killWhen(() => sizes('downloads', '.part')[0] === 1_000_000);
  const [part] = list('downloads').filter((name) => name.endsWith('.part'));
  writeFileSync(join(inCache('downloads'), part), Buffer.alloc(1_000_000, 1));
  await pullsTheRest();
  expect(requests.map(({ range }) => range)).toEqual([undefined, 'bytes=1000000-', undefined]);
});

test('what another machine is still writing is left alone', async () => {
  mkdirSync(inCache('downloads'), { recursive: true });
  const other = `${file}.00000000-1-00000000.part`;
  writeFileSync(join(inCache('downloads'), other), 'part');
  writeFileSync(join(inCache('downloads'), `${other}.json`), JSON.stringify({ url: 'x' }));
  expect(await cli(folder, 'weights', 'pull', MODEL)).toMatchObject({ code: 0 });
  expect(list('downloads')).toEqual([other, `${other}.json`]);
});
