import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { idxFiles, idxLabels, level, tinyOfficial } from '../../../test/support/dataset-files.ts';
import type { OfficialDataset } from '../dataset.ts';
import { datasetFingerprint } from '../fingerprint.ts';
import { subsetOf } from '../subset.ts';
import { officialDataset, officialFingerprint } from './definition.ts';
import { findOfficialFiles } from './find-files.ts';
import { installDataset } from './install.ts';
import { pullDataset } from './pull.ts';
import { removeDataset } from './remove.ts';

const contents = idxFiles();
const md5 = contents.map((content) => createHash('md5').update(content).digest('hex'));
const names = [
  'train-images-idx3-ubyte.gz',
  'train-labels-idx1-ubyte.gz',
  't10k-images-idx3-ubyte.gz',
  't10k-labels-idx1-ubyte.gz',
];
const sizes = contents.map(({ length }) => length);

let folder: string;
let server: Server;
/** Breaks each connection after so many bytes; answers nothing but 404 when it is negative. */
let cut: () => number = () => Number.POSITIVE_INFINITY;
let requests = 0;
let served: readonly Buffer[] = contents;

beforeAll(async () => {
  server = createServer((request, response) => {
    requests++;
    const content = served[names.indexOf((request.url ?? '').slice(1))];
    const end = cut();
    if (!content || end < 0) {
      response.writeHead(404).end();
      return;
    }
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const range = `bytes ${from}-${content.length - 1}/${content.length}`;
    const headers = { etag: '"x"', 'content-length': content.length - from };
    if (from >= content.length) response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
    else {
      response.writeHead(from > 0 ? 206 : 200, from > 0 ? { ...headers, 'content-range': range } : headers);
      if (from + end >= content.length) response.end(content.subarray(from));
      // The bytes arrive, then the connection ends before the length that was promised.
      else response.write(content.subarray(from, from + end), () => setTimeout(() => response.destroy(), 2));
    }
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
});
afterAll(() => {
  server.closeAllConnections();
  return new Promise((closed) => server.close(closed));
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'triggerlab-install-'));
  vi.stubEnv('TRIGGERLAB_CACHE', join(folder, 'cache'));
  cut = () => Number.POSITIVE_INFINITY;
  requests = 0;
  served = contents;
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const official = (sums: readonly string[] = md5): OfficialDataset =>
  tinyOfficial(sums, [`http://127.0.0.1:${(server.address() as AddressInfo).port}/`], sizes);
const own = (files: readonly Buffer[] = contents, as: readonly string[] = names): string => {
  const directory = join(folder, 'own');
  mkdirSync(directory, { recursive: true });
  files.forEach((content, i) => {
    writeFileSync(join(directory, as[i]), content);
  });
  return directory;
};
const install = (dataset: OfficialDataset, directory: string, verify = true) =>
  installDataset(dataset, findOfficialFiles(dataset, [directory]), { verify, move: false });
const cached = () => {
  const directory = join(folder, 'cache');
  return existsSync(directory) ? readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort() : [];
};
const patience = { attempts: 3, pauseMs: 0, silenceMs: 5000 };

async function isWhole(dataset: OfficialDataset): Promise<void> {
  const { train, test, classes } = await officialDataset(dataset).load();
  expect(classes).toEqual(['a', 'b']);
  expect([[...train.labels], [...test.labels]]).toEqual([
    [0, 1, 1, 0, 1, 0],
    [1, 0, 0, 1],
  ]);
  const pixel = (row: number) => Array.from({ length: 16 }, (_, at) => level(row, at));
  expect([...train.read([5, 0])]).toEqual([...pixel(5), ...pixel(0)]);
  expect([...test.read([3])]).toEqual(pixel(9));
}

describe('installing a dataset', () => {
  it('takes the published files, and nothing else unless told to', async () => {
    const dataset = official();
    const before = officialDataset(dataset).fingerprint;
    const card = await install(dataset, own());
    expect(card).toMatchObject({ verified: true, fingerprint: officialFingerprint(dataset) });
    expect(officialDataset(dataset).fingerprint).toBe(before);
    await isWhole(dataset);
    expect(cached().filter((name) => /card|images$/.test(name))).toHaveLength(2);

    const other = official(['0'.repeat(32), ...md5.slice(1)]);
    await expect(install(other, own())).rejects.toMatchObject({
      kind: 'input',
      message: expect.stringContaining(`published has ${'0'.repeat(32)}`),
      hint: expect.stringContaining('--no-verify'),
    });
  });

  it('knows other contents by what they hold, however they are packed', async () => {
    const dataset = official(md5.map(() => '0'.repeat(32)));
    const card = await install(dataset, own(), false);
    const loaded = await officialDataset(dataset).load();
    expect(card).toMatchObject({ verified: false, fingerprint: datasetFingerprint(loaded) });
    expect(officialDataset(dataset)).toMatchObject({ fingerprint: card.fingerprint, trainCount: 6, testCount: 4 });
    rmSync(join(folder, 'own'), { recursive: true });
    const unpacked = own(
      contents.map((content) => gunzipSync(content)),
      names.map((name) => name.replace('.gz', '').replace('-idx', '.idx')),
    );
    const again = await install(dataset, unpacked, false);
    expect(again.fingerprint).toBe(card.fingerprint);
    // Of the first one nothing is left.
    expect(cached().filter((name) => name.startsWith(join('datasets', 'tiny-digits', 'x').slice(0, -1)))).toHaveLength(
      6,
    );
    await isWhole(dataset);
  });

  it('leaves things as they were when a file cannot be read', async () => {
    const dataset = official();
    const bad = [contents[0], gzipSync(idxLabels([0, 1, 5, 0, 1, 0])), contents[2], contents[3]];
    await expect(install(dataset, own(bad), false)).rejects.toThrow('label 2 is 5');
    expect(cached().filter((name) => /\d/.test(name))).toEqual([]);
    await install(dataset, own());
    const good = cached();
    await expect(install(dataset, own(bad), false)).rejects.toThrow('label 2 is 5');
    await expect(install(dataset, own([contents[0].subarray(0, 50), ...contents.slice(1)]), false)).rejects.toThrow(
      'cannot read',
    );
    expect(cached()).toEqual(good);
    await isWhole(dataset);
  });

  it('packs again what was cleared away, at any size; parts are views of the whole', async () => {
    const dataset = official();
    await install(dataset, own());
    for (const name of cached().filter((file) => file.endsWith('.images'))) rmSync(join(folder, 'cache', name));
    await isWhole(dataset);
    const large = await officialDataset(dataset, 8).load();
    expect(large.train).toMatchObject({ height: 8, width: 8, count: 6 });
    expect(officialDataset(dataset, 8).fingerprint).not.toBe(officialDataset(dataset).fingerprint);
    const part = await subsetOf(officialDataset(dataset), { perClass: 1 }).load();
    expect([part.train.count, part.test.count]).toEqual([2, 2]);
    expect(cached().filter((file) => file.endsWith('.images'))).toHaveLength(2);
    expect(await removeDataset(dataset)).toMatchObject({ files: 7 });
    expect(cached().filter((name) => name.includes('tiny'))).toEqual([]);
    await expect(officialDataset(dataset).load()).rejects.toThrow('is not on this machine');
  });

  it('takes a card that somebody damaged for none', async () => {
    const dataset = official();
    await install(dataset, own());
    const card = join(folder, 'cache', 'datasets', 'tiny-digits', 'card.json');
    const text = readFileSync(card, 'utf8');
    for (const damaged of ['', '{', text.replace('tiny-digits', 'mnist'), text.replace(/"file": "/, '"file": "../')]) {
      writeFileSync(card, damaged);
      expect(officialDataset(dataset).fingerprint).toBe(officialFingerprint(dataset));
      await expect(officialDataset(dataset).load()).rejects.toThrow('is not on this machine');
    }
  });
});

describe('finding the files', () => {
  it.each<[string, (directory: string) => string[], string]>([
    ['a file that is missing', (directory) => [join(directory, names[0])], `no ${names.slice(1).join(', ')} in`],
    ['nothing there', (directory) => [join(directory, 'lost')], 'cannot be read'],
    [
      'two of one',
      (directory) => {
        writeFileSync(join(directory, names[0].replace('.gz', '')), 'x');
        writeFileSync(join(directory, names[0].replace('.gz', '').replace('-idx', '.idx')), 'x');
        rmSync(join(directory, names[0]));
        return [directory];
      },
      'are both train-images',
    ],
    [
      'a link in a folder',
      (directory) => {
        rmSync(join(directory, names[0]));
        symlinkSync('/etc/passwd', join(directory, names[0]));
        return [directory];
      },
      `no ${names[0]} in`,
    ],
  ])('refuses %s', (_, given, message) => {
    expect(() => findOfficialFiles(official(), given(own()))).toThrow(message);
  });
});

describe('pulling a dataset', () => {
  it('downloads, verifies and installs it once', async () => {
    const dataset = official();
    const seen: number[] = [];
    const { card, fetched } = await pullDataset(dataset, {
      patience,
      onDownload: ({ received }) => seen.push(received),
    });
    expect([fetched, card.verified, seen.at(-1)]).toEqual([true, true, sizes.reduce((a, b) => a + b)]);
    await isWhole(dataset);
    expect(cached().filter((name) => name.startsWith('downloads'))).toEqual(['downloads']);
    expect(await pullDataset(dataset, { patience })).toMatchObject({ fetched: false });
    expect(requests).toBe(4);
    writeFileSync(join(folder, 'cache', 'datasets', 'tiny-digits', card.files[1].file), 'damaged');
    expect(await pullDataset(dataset, { patience })).toMatchObject({ fetched: true });
    await isWhole(dataset);
  });

  it('goes on when connections break, at any byte', async () => {
    const dataset = official();
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.integer({ min: 1, max: 60 })), async (cuts) => {
        cut = () => cuts.next().value ?? 1;
        await pullDataset(dataset, { patience: { ...patience, attempts: 50 } });
        await isWhole(dataset);
        await removeDataset(dataset);
      }),
      { numRuns: 12 },
    );
  });

  it('keeps what it has for a later command', async () => {
    const dataset = official();
    let answers = 0;
    cut = () => (answers++ < 2 ? Number.POSITIVE_INFINITY : -1);
    await expect(pullDataset(dataset, { patience })).rejects.toMatchObject({
      kind: 'failed',
      hint: expect.stringMatching(/Fetch http:.*triggerlab datasets import tiny-digits DIR/),
    });
    expect(cached().filter((name) => /card|images$/.test(name))).toEqual([]);
    [cut, requests] = [() => Number.POSITIVE_INFINITY, 0];
    await pullDataset(dataset, { patience });
    expect(requests).toBe(2);
    await isWhole(dataset);
  });

  it('tries the next address', async () => {
    const [there] = official().files[0].from;
    const dataset = tinyOfficial(md5, ['http://127.0.0.1:1/', there], sizes);
    expect(await pullDataset(dataset, { patience: { ...patience, attempts: 1 } })).toMatchObject({ fetched: true });
  });

  it('refuses other contents and leaves nothing', async () => {
    served = [contents[1], contents[1], contents[2], contents[3]];
    await expect(pullDataset(official(), { patience })).rejects.toMatchObject({
      kind: 'input',
      message: expect.stringMatching(/train-images-idx3-ubyte\.gz has the MD5 \w+, \w+ expected/),
    });
    expect(cached().filter((name) => /ubyte|card/.test(name))).toEqual([]);
  });

  it('without a network says what to do', async () => {
    await expect(pullDataset(official(), { offline: true })).rejects.toMatchObject({
      message: 'tiny-digits is not in the cache',
    });
    expect(requests).toBe(0);
  });
});
