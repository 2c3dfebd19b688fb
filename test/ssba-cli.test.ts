// SSBA through the command line: an encoder is trained once, listed, asked for by plan, trained by run when it is missing.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cli } from './support/cli.ts';
import { freshCache } from './support/fresh-cache.ts';

const DATASET = 'shapes?train=60&test=30';
const TRAIN = ['ssba', 'train', '--dataset', DATASET, '--bits', '3', '--width', '2', '--steps', '2'];
const cache = process.env.TRIGGERLAB_CACHE;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'triggerlab-ssba-cli-'));
  process.env.TRIGGERLAB_CACHE = freshCache(join(folder, 'cache'));
});
afterAll(() => {
  process.env.TRIGGERLAB_CACHE = cache;
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
});

const spec = (bits: number) => `name: hidden
dataset: "${DATASET}"
model: resnet-mini
attack: { type: ssba, bits: ${bits}, width: 2, steps: 2, secret: per-image }
poisonRate: 0.1
training: { epochs: 1, batchSize: 20 }
`;

it('trains an encoder, finds it again, and lists it', async () => {
  const first = await cli(folder, ...TRAIN, '--json');
  expect(first.stderr).toContain('not yet as good as the schedule asks for');
  expect(first.code).toBe(0);
  const trained = JSON.parse(first.stdout);
  expect(trained).toMatchObject({ trained: true, bits: 3, side: 32, width: 2, steps: 2, schedule: 'fast' });
  expect(trained.test.one).toMatchObject({ images: 30, bitAccuracy: expect.any(Number), psnr: expect.any(Number) });
  const again = JSON.parse((await cli(folder, ...TRAIN, '--json')).stdout);
  expect(again).toEqual({ ...trained, trained: false });
  const { encoders } = JSON.parse((await cli(folder, 'ssba', 'ls', '--json')).stdout);
  expect(encoders).toMatchObject([{ key: trained.key, dataset: 'shapes?test=30&train=60' }]);
  expect((await cli(folder, 'ssba', 'ls')).stdout).toContain(trained.key);
});

it('runs with it, and trains one that is missing first', async () => {
  writeFileSync(join(folder, 'spec.yaml'), spec(2));
  const before = JSON.parse((await cli(folder, 'plan', 'spec.yaml', '--json')).stdout);
  expect(before.missingEncoders).toEqual(['2 bits in shapes?test=30&train=60, schedule fast']);
  const run = await cli(folder, 'run', 'spec.yaml', '--json', '--workers', '1');
  expect(run.stderr).toContain("SSBA's encoder has to be trained first");
  expect(run.code, run.stderr).toBe(0);
  const [poisoned] = JSON.parse(run.stdout).runs.filter(
    ({ attack }: { attack: { type: string } }) => attack.type === 'ssba',
  );
  expect(poisoned).toMatchObject({ status: 'done', asr: expect.any(Number) });
  expect(poisoned.effectivePixels).toBeGreaterThan(100);
  expect(JSON.parse((await cli(folder, 'plan', 'spec.yaml', '--json')).stdout).missingEncoders).toEqual([]);
  expect(readdirSync(join(folder, 'cache', 'ssba'))).toHaveLength(2);
  // The pictures with secrets lie where `cache ls` shows them.
  const { features } = JSON.parse((await cli(folder, 'cache', 'ls', '--json')).stdout);
  expect(features).toEqual(expect.arrayContaining([expect.objectContaining({ model: 'ssba' })]));
});

it.each([
  [['ssba', 'train', '--dataset', 'shapes', '--schedule', 'fsat'], /unknown SSBA schedule "fsat"[\s\S]*fast/],
  [['ssba', 'train', '--dataset', 'shapes', '--size', '64'], /no others/],
  [['ssba', 'train', '--dataset', 'shapes', '--bits', '0'], /whole number from 1/],
  [['ssba', 'train', '--dataset', 'shpes'], /shapes/],
  [['plan', 'wrong.yaml'], /bits/],
])('refuses %j', async (args, message) => {
  writeFileSync(join(folder, 'wrong.yaml'), spec(0));
  const { code, stderr, stdout } = await cli(folder, ...args);
  expect(stderr).toMatch(message);
  expect(stdout).toBe('');
  expect(code).toBe(2);
});
