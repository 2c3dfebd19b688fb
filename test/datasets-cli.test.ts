// `triggerlab datasets` from the shell: importing, showing and packing, parts in a run, and how hostile files end.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { cli } from './support/cli.ts';
import { cifarPart, gtsrbZips, idxImages, idxLabels, tarOf } from './support/dataset-files.ts';
import { freshCache } from './support/fresh-cache.ts';
import { zipOf } from './support/zip-file.ts';

const REAL = fileURLToPath(new URL('../../shared/data/mnist', import.meta.url));
const digits = (count: number) => Array.from({ length: count }, (_, i) => i % 10);
const NAMES = [
  'train-images-idx3-ubyte.gz',
  'train-labels-idx1-ubyte.gz',
  't10k-images-idx3-ubyte.gz',
  't10k-labels-idx1-ubyte.gz',
];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'triggerlab-datasets-'));
  vi.stubEnv('TRIGGERLAB_CACHE', freshCache(join(folder, 'cache')));
  mkdirSync(join(folder, 'digits'));
  const files = [idxImages(200, 28), idxLabels(digits(200)), idxImages(60, 28, 200), idxLabels(digits(60))];
  files.forEach((file, i) => {
    writeFileSync(join(folder, 'digits', NAMES[i]), gzipSync(file));
  });
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, maxRetries: 3 });
});

const datasets = (...args: string[]) => cli(folder, 'datasets', ...args);
const json = async (...args: string[]) => {
  const { code, stdout } = await datasets(...args, '--json');
  expect(code).toBe(0);
  return JSON.parse(stdout) as { dataset: Record<string, unknown>; datasets: Record<string, unknown>[] };
};
/** Files of datasets. */
const inCache = () => {
  const directory = join(folder, 'cache');
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.\w+$/.test(name) && !name.startsWith('store-templates'))
    .sort();
};

describe("somebody's own copy of a dataset", () => {
  it('is imported only when it is the published one, or --no-verify says that it need not be', async () => {
    expect(await datasets('import', 'mnist', 'digits')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /has the MD5 \w+, train-images-idx3-ubyte\.gz as published has f68b3c2d[\s\S]*--no-verify/,
      ),
    });
    expect(inCache()).toEqual([]);
    const { dataset } = await json('import', 'mnist', 'digits', '--no-verify');
    expect(dataset).toMatchObject({ name: 'mnist', verified: false, classCounts: { train: digits(10).map(() => 20) } });
    expect(dataset.fingerprint).toBe(dataset.content);
    const listed = (await json('ls')).datasets;
    expect(listed.find(({ name }) => name === 'mnist')).toMatchObject({
      ...{ where: 'imported', trainCount: 200, testCount: 60, fingerprint: dataset.fingerprint },
    });
    expect(listed.find(({ name }) => name === 'cifar10')).toMatchObject({ where: 'published', trainCount: 50_000 });
  });

  it('is shown in numbers and pictures', async () => {
    const { dataset } = await json('show', 'mnist?classes=3+4&perClass=6', '--sheet', 'few.png');
    expect(dataset).toMatchObject({
      ...{ name: 'mnist?classes=3+4&perClass=6', classes: ['3', '4'], trainCount: 12, sheet: join(folder, 'few.png') },
      statistics: { train: { images: 12, unit: '0-255', mean: [expect.any(Number)], std: [expect.any(Number)] } },
    });
    expect(await sharp(join(folder, 'few.png')).metadata()).toMatchObject({ format: 'png', width: 10 * 59 + 3 });
    const { code, stdout } = await datasets('show', 'mnist');
    expect(code).toBe(0);
    expect(stdout).toMatch(/28 × 28 grey, 200 training and 60 test images, imported, not as published/);
    expect(stdout).toMatch(/^ +9 +9 +20 +6$/m);
    expect(existsSync(join(folder, 'mnist-images.png'))).toBe(true);
    expect(await datasets('show', 'mnist', '--sheet', 'few.png/x.png')).toMatchObject({ code: 2 });
  });

  it('is packed at another size, measured, and trained on in part', async () => {
    expect(await json('pack', 'mnist?size=16')).toMatchObject({ bytes: expect.any(Number), images: 260 });
    const bench = await cli(folder, 'bench', 'data', 'mnist', '--rows', '500', '--repeats', '2', '--json');
    expect(JSON.parse(bench.stdout)).toMatchObject({ dataset: 'mnist', rows: 500, bytesPerRow: 784 });
    writeFileSync(
      join(folder, 'spec.yaml'),
      'name: part\ndataset: {name: mnist, classes: [3, 4, 5], perClass: 8}\nmodel: resnet-mini\ntraining: {epochs: 1, batchSize: 8}\nattack: none\n',
    );
    const { code, stdout } = await cli(folder, 'run', 'spec.yaml', '--workers', '1', '--json');
    expect(code).toBe(0);
    const [run] = (JSON.parse(stdout) as { runs: Record<string, unknown>[] }).runs;
    expect(run).toMatchObject({ dataset: 'mnist?classes=3+4+5&perClass=8', status: 'done', testImages: 18 });
  }, 240_000);

  it('is removed again', async () => {
    expect(await datasets('rm', 'mnist')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Removed .* of mnist/),
    });
    expect(inCache().filter((name) => name.includes('mnist'))).toEqual([]);
    const { code, stderr } = await cli(folder, 'run', 'spec.yaml', '--store', 'other');
    expect(code).toBe(2);
    expect(stderr).toMatch(/mnist is not on this machine\n.*triggerlab datasets pull mnist/);
    expect(existsSync(join(folder, 'other'))).toBe(false);
    expect(await cli(folder, 'plan', 'spec.yaml')).toMatchObject({ code: 0 });
  });
});

describe('files that are not what they should be', () => {
  const cifar = (parts: Parameters<typeof tarOf>[0]) => tarOf(parts).then((tar) => gzipSync(tar));
  const parts = [1, 2, 3, 4, 5].map((i) => [`c/data_batch_${i}.bin`, cifarPart([[i], [0]], 32)] as const);
  const test = ['c/test_batch.bin', cifarPart([[1]], 32)] as const;
  const cases: [string, string, () => Promise<Record<string, Buffer>>, RegExp][] = [
    [
      'truncated',
      'cifar10',
      async () => ({ 'c.tar.gz': (await cifar([...parts, test])).subarray(0, -9) }),
      /cannot read.*unexpected end/,
    ],
    [
      'symlink',
      'cifar10',
      async () => ({
        'c.tar.gz': await cifar([...parts, test, [{ name: 'c/x', type: 'symlink', linkname: '/etc/passwd' }]]),
      }),
      /is a symlink/,
    ],
    [
      'bomb',
      'mnist',
      async () => ({
        [NAMES[0]]: gzipSync(idxImages(2, 28)),
        [NAMES[1]]: gzipSync(Buffer.alloc(5e7)),
        [NAMES[2]]: gzipSync(idxImages(2, 28)),
        [NAMES[3]]: gzipSync(idxLabels([0, 1])),
      }),
      /unpacks to more than 1\.0 MB/,
    ],
    [
      'absurd header',
      'fashion-mnist',
      async () => ({
        [NAMES[0]]: Buffer.from('00000803ffffffffffffffffffffffff', 'hex'),
        [NAMES[1]]: idxLabels([0, 1]),
        [NAMES[2]]: idxImages(2, 28),
        [NAMES[3]]: idxLabels([0, 1]),
      }),
      /images of 4294967295 × 4294967295 pixels/,
    ],
    ['zip-slip', 'tiny-imagenet', async () => ({ 't.zip': zipOf({ '../evil': 'x' }) }), /damaged or unsafe/],
    [
      'corrupt',
      'gtsrb',
      async () =>
        Object.fromEntries(
          gtsrbZips().map((zip, i) => [
            ['GTSRB_Final_Training_Images.zip', 'GTSRB_Final_Test_Images.zip', 'GTSRB_Final_Test_GT.zip'][i],
            i === 1 ? zip.fill(7, 60, 90) : zip,
          ]),
        ),
      /cannot (read|decode)|damaged/,
    ],
  ];
  it.each(cases)('%s, for %s: exit 2, and nothing is left', async (_, name, files, message) => {
    const directory = mkdtempSync(join(folder, 'hostile-'));
    for (const [file, content] of Object.entries(await files())) writeFileSync(join(directory, file), content);
    const before = inCache();
    const { code, stderr, stdout } = await datasets('import', name, directory, '--no-verify');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/unexpected:|at .*\.js:/);
    expect(inCache()).toEqual(before);
  });

  it.each([
    [['pull', 'mnits'], /unknown dataset "mnits"[\s\S]*Did you mean "mnist"/],
    [['pull', './x'], /is a path/],
    [['pack', 'mnist10k'], /built in/],
    [['show', 'mnist?perClas=5'], /Did you mean "perClass"/],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await datasets(...args);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});

describe('datasets pull', () => {
  let server: Server;
  beforeAll(async () => {
    server = createServer((request, response) => {
      if (request.url?.startsWith('/fashion')) response.writeHead(404).end();
      else response.end('not what was published');
    });
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  });
  afterAll(() => new Promise((closed) => server.close(closed)));
  const at = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  it('refuses what has another checksum with exit 2, and leaves nothing', async () => {
    const { code, stderr } = await datasets('pull', 'cifar100', '--from', at());
    expect(code).toBe(2);
    expect(stderr).toMatch(/cifar-100-binary\.tar\.gz has the MD5 \w+, 03b5dce01913d631647c71ecec9e9cb8 expected/);
    expect(inCache().filter((name) => name.includes('cifar100'))).toEqual([]);
  });

  it('fails with exit 1 where there is no such file or no network', async () => {
    const gone = await datasets('pull', 'fashion-mnist', '--from', `${at()}/fashion`, '--json');
    expect(gone.code).toBe(1);
    expect(JSON.parse(gone.stdout)).toMatchObject({
      error: {
        kind: 'failed',
        message: expect.stringContaining('404'),
        hint: expect.stringContaining('triggerlab datasets import fashion-mnist DIR'),
      },
    });
    expect(await datasets('pull', 'gtsrb', '--offline')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(
        'https://sid.erda.dk/public/archives/daaeac0d7ce1152aea9b61d9f1e19370/GTSRB_Final_Test_GT.zip',
      ),
    });
  });
});

describe.skipIf(!existsSync(REAL))(
  'all of MNIST (skipped unless ../shared/data/mnist exists beside the project)',
  () => {
    it('has the known counts and means, and the fingerprint that test/fixtures/datasets/fingerprint.py finds', async () => {
      await json('import', 'mnist', REAL, '--no-verify');
      const { dataset } = await json('show', 'mnist');
      expect(dataset).toMatchObject({
        ...{ trainCount: 60_000, testCount: 10_000, sheet: null },
        fingerprint: '949b55239745898e5201f82b30212890dd7dfdfdbb77672a37d5c075c7527f96',
        classCounts: {
          train: [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
          test: [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
        },
      });
      const { train, test } = dataset.statistics as Record<string, { mean: number[] }>;
      expect([train.mean[0].toFixed(2), test.mean[0].toFixed(2)]).toEqual(['33.32', '33.79']);
    });
  },
);
