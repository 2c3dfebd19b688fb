import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { describeArchitecture } from '../architecture.ts';
import { models } from '../registry.ts';
import { networkSizes } from '../sizes.ts';
import { randomState } from '../state.ts';
import { forgetCards, weightsCard } from './card.ts';
import { weightsIntact } from './import-weights.ts';
import { type PublishedWeights, publishedWeights } from './published.ts';
import { choosePublished, pullWeights } from './pull-weights.ts';
import { encodeSafetensors } from './safetensors.ts';

const sizes = networkSizes.find(({ name }) => name === 'resnet-mini');
if (!sizes) throw new Error('no resnet-mini');
const model = { ...sizes, name: 'resnet-test' };
const stateFor = (classes: number) => randomState(describeArchitecture(model.architecture, 32, classes), 1);

let folder: string;
let cache: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'triggerlab-pull-'));
  cache = join(folder, 'cache');
  vi.stubEnv('TRIGGERLAB_CACHE', cache);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

describe('pullWeights', () => {
  let server: Server;
  let served: Buffer;
  let published: PublishedWeights;
  let requests = 0;
  beforeEach(async () => {
    requests = 0;
    served = Buffer.from(encodeSafetensors(stateFor(5)));
    const sha256 = createHash('sha256').update(served).digest('hex').slice(0, 8);
    published = { ...publishedWeights[0], model: model.name, file: `test-${sha256}.pth`, sha256, bytes: served.length };
    server = createServer((request, response) => {
      requests++;
      if (request.url !== `/mirror/${published.file}`) response.writeHead(404).end();
      else response.end(served);
    });
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  });
  afterEach(() => new Promise((closed) => server.close(closed)));
  const mirror = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/mirror`;
  const patience = { attempts: 1, pauseMs: 1, silenceMs: 1000 };

  it('downloads, imports, cleans up, and does nothing the second time', async () => {
    const pulled = await pullWeights(model, published, { from: mirror() });
    expect(pulled).toMatchObject({
      fetched: true,
      where: 'cache',
      name: 'resnet-test@V1',
      card: { classes: 5, source: `${mirror()}/${published.file}`, version: 'V1' },
    });
    expect(readdirSync(join(cache, 'downloads'))).toEqual([]);
    expect(await pullWeights(model, published, { offline: true })).toMatchObject({ fetched: false });
    expect(requests).toBe(1);
    writeFileSync(pulled.path, 'damaged');
    vi.stubEnv('TRIGGERLAB_WEIGHTS_URL', `${mirror()}/`);
    expect(await pullWeights(model, published)).toMatchObject({ fetched: true });
    expect(await weightsIntact(pulled)).toBe(true);
  });

  it('keeps V1 and V2 side by side; the plain name is the default', async () => {
    const pull = async (version: 'V1' | 'V2', classes: number) => {
      served = Buffer.from(encodeSafetensors(stateFor(classes)));
      const sha256 = createHash('sha256').update(served).digest('hex').slice(0, 8);
      const [entry] = publishedWeights.filter((one) => one.model === 'resnet152' && one.version === version);
      published = { ...entry, sha256, bytes: served.length };
      return pullWeights({ ...model, name: 'resnet152' }, published, { from: mirror() });
    };
    // Specs may name what is published before it is here; other versions not.
    expect(models.has('resnet152@mine')).toBe(false);
    expect(models.get('resnet152@V1').weightsHash).toBeUndefined();
    expect(models.get('resnet152@V1').publishedHash).toBe('394f9c45');
    expect(models.get('resnet152').publishedHash).toBe('f82ba261');
    const two = await pull('V2', 2);
    const one = await pull('V1', 1);
    expect([one.name, two.name]).toEqual(['resnet152@V1', 'resnet152@V2']);
    expect(models.get('resnet152').weightsHash).toBe(two.card.sha256);
    expect(models.get('resnet152@V1')).toMatchObject({ name: 'resnet152@V1', weightsHash: one.card.sha256 });
    expect(models.get('resnet152@V1')).toBe(models.get('resnet152@V1'));
    expect(() => models.get('resnet152@v1')).toThrow(
      expect.objectContaining({ hint: expect.stringMatching(/^Did you mean "resnet152@V1"\?/) }),
    );
    expect(() => models.get('resnet15@V1')).toThrow(/unknown model "resnet15"/);
    rmSync(join(cache, 'weights', 'resnet152@V2.json'));
    forgetCards();
    expect(models.get('resnet152').weightsHash).toBe(one.card.sha256);
  });

  it('three at a time do not disturb each other', async () => {
    const pulls = await Promise.all([1, 2, 3].map(() => pullWeights(model, published, { from: mirror() })));
    expect(new Set(pulls.map(({ card }) => card.sha256)).size).toBe(1);
    expect(await weightsIntact(pulls[0])).toBe(true);
    expect(readdirSync(join(cache, 'downloads'))).toEqual([]);
  });

  it('is content with what another process has imported meanwhile', async () => {
    const other = await pullWeights(model, published, { from: mirror() });
    const card = join(cache, 'weights', 'resnet-test@V1.json');
    const content = readFileSync(card);
    rmSync(card);
    forgetCards();
    // As soon as the download is there, it is taken away and the card of the other process appears.
    const onDownload = () => writeFileSync(card, content);
    const downloads = join(cache, 'downloads');
    const watcher = setInterval(() => rmSync(join(downloads, published.file), { force: true }), 0);
    try {
      const pulled = await pullWeights(model, published, { from: mirror(), onDownload });
      expect(pulled.card).toEqual(other.card);
    } finally {
      clearInterval(watcher);
    }
  });

  it('refuses a file with another hash', async () => {
    served[served.length - 1] ^= 1;
    await expect(pullWeights(model, published, { from: mirror() })).rejects.toMatchObject({
      kind: 'input',
      message: expect.stringMatching(/SHA-256/),
    });
    expect(weightsCard(model.name)).toBeUndefined();
  });

  it.each([
    ['offline', () => ({ offline: true })],
    ['without a network', () => ({ from: 'http://127.0.0.1:1/', patience })],
    ['when the server does not have it', () => ({ from: `${mirror()}/elsewhere`, patience })],
  ])('%s: says what to fetch and how to import it', async (_, options) => {
    await expect(pullWeights(model, published, options())).rejects.toMatchObject({
      kind: 'failed',
      hint: expect.stringMatching(
        new RegExp(
          `Fetch http.*${published.file}.*then: triggerlab weights import ${published.file} --model resnet-test`,
        ),
      ),
    });
  });
});

describe('published weights', () => {
  it('are named by their hash and have one default each', () => {
    for (const { file, sha256, model: name } of publishedWeights) {
      expect(file).toMatch(new RegExp(`^${name}(-owt)?-[0-9a-f]{8}\\.pth$`));
      expect(file).toContain(`-${sha256}.pth`);
      expect(publishedWeights.filter((entry) => entry.model === name && entry.isDefault)).toHaveLength(1);
    }
  });

  it('are chosen by version', () => {
    expect(choosePublished('resnet152').file).toBe('resnet152-f82ba261.pth');
    expect(choosePublished('resnet152', 'v1').file).toBe('resnet152-394f9c45.pth');
    expect(choosePublished('resnet18', 'IMAGENET1K_V1').file).toBe('resnet18-f37072fd.pth');
    expect(() => choosePublished('resnet18', 'V2')).toThrow(/no version "V2"/);
    expect(() => choosePublished('resnet15')).toThrow(/publishes no weights/);
  });
});
