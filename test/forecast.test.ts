// What plan predicts, through the command line: memory and disk at once, time once this machine was measured; plan itself leaves no trace.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { loadSpec } from '../src/cli/load-plan.ts';
import { forecastOf } from '../src/cli/plan-forecast.ts';
import { canonicalJson, sha256Hex } from '../src/core/hash.ts';
import { Graph } from '../src/graph/graph.ts';
import { cli } from './support/cli.ts';

/** 9 to 13 were measured on a busy machine; 17 to 19 when each network was emitted several times and each run's fields were read by themselves. */
const BOUND = 25;

const cache = process.env.TRIGGERLAB_CACHE;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'triggerlab-forecast-'));
  process.env.TRIGGERLAB_CACHE = join(folder, 'cache');
  writeFileSync(
    join(folder, 'spec.yaml'),
    'name: small\ndataset: mnist10k?perClass=10\nmodel: alexnet-mini\nfreeze: paper\nrepeats: 2\ntraining: {epochs: 2, batchSize: 32}\n' +
      'attack: {type: badnets, size: [0.1, 0.2], color: white, poisonRate: 0.1}\n',
  );
});
afterAll(() => {
  process.env.TRIGGERLAB_CACHE = cache;
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
});

it('says how to measure the machine, measures it, and predicts the time', async () => {
  const before = await cli(folder, 'plan', 'spec.yaml');
  expect(before.code, before.stderr).toBe(0);
  expect(before.stdout).toContain('Measure it once: triggerlab bench calibrate spec.yaml');
  expect(before.stdout).toMatch(/Memory: up to \d+\.\d MB a run \(alexnet-mini, 32 pixels, batch 32\)/);
  expect(before.stdout).toMatch(/Shared work: 2 clean twins serve 4 poisoned runs; 2 runs more if each had its own\./);
  expect(before.stdout).toMatch(/features of 1 frozen network: \d+ images, each once/);
  expect(existsSync(join(folder, 'cache', 'calibration.json'))).toBe(false);

  const calibrated = await cli(folder, 'bench', 'calibrate', 'spec.yaml', '--seconds', '1', '--json');
  expect(calibrated.code, calibrated.stderr).toBe(0);
  const { file, measurements } = JSON.parse(calibrated.stdout);
  expect(file).toBe(join(folder, 'cache', 'calibration.json'));
  expect(measurements).toMatchObject([{ model: 'alexnet-mini', freeze: 'paper', inputSize: 32, batch: 32 }]);

  const after = await cli(folder, 'plan', 'spec.yaml');
  expect(after.stdout).toMatch(/Predicted: .* with \d+ workers? of \d+ threads? on /);
  expect(after.stdout).toMatch(/of work: features .*, training .*, evaluation /);
  const { predicted, sharedFeatures, sharedEncoders } = JSON.parse(
    (await cli(folder, 'plan', 'spec.yaml', '--json')).stdout,
  );
  expect(predicted.time).toMatchObject({ measured: true, work: expect.any(Number) });
  expect(predicted.time.work).toBeGreaterThan(0);
  expect(predicted.disk.features).toBeGreaterThan(0);
  expect(predicted.calibration.measuredAt).toMatch(/^\d{4}-/);
  expect(sharedFeatures.alone).toBeGreaterThan(sharedFeatures.images);
  expect(sharedEncoders).toEqual([]);
});

// bench/plan.mjs has the times; these bounds tell work that is done once from work that is done again and again.
describe('the 11,180 runs of suites/sok.yaml', () => {
  it('are planned and predicted in a small multiple of the time that writing out and hashing each takes', async () => {
    const nodes = vi.spyOn(Graph.prototype, 'add');
    const [{ loaded }, seconds] = await timed(async () => {
      const loaded = await loadSpec('suites/sok.yaml', []);
      return { loaded, predicted: await forecastOf(loaded, []) };
    });
    // Each of the 12 networks is described once and looked into once, the largest once more with its backward pass: 17,820.
    expect(nodes.mock.calls.length).toBeLessThan(20_000);
    nodes.mockRestore();
    const { runs } = loaded.plan;
    expect(runs).toHaveLength(11_180);
    const hashAll = () => runs.map(({ spec }) => sha256Hex(canonicalJson(spec)));
    const [, floor] = await timed(async () => [hashAll(), hashAll(), hashAll()]);
    expect(seconds / (floor / 3)).toBeLessThan(BOUND);
  });

  it('need none of the packages that run, store or draw', () => {
    expect(packagesOf(resolve('dist/cli/plan.js'))).toEqual(['@noble/hashes', 'commander', 'pure-rand', 'yaml', 'zod']);
  });
});

/** An answer, and the processor seconds that it took. */
async function timed<T>(work: () => Promise<T>): Promise<[T, number]> {
  const before = process.cpuUsage();
  const answer = await work();
  const { user, system } = process.cpuUsage(before);
  return [answer, (user + system) / 1e6];
}

/** The packages that are loaded with a module of ours: those that it and what it imports import statically. */
function packagesOf(entry: string): string[] {
  const files = new Set([entry]);
  const packages = new Set<string>();
  for (const file of files) {
    const text = readFileSync(file, 'utf8');
    for (const [, from] of text.matchAll(/^(?:import|export) (?:[^'"`;]*? from )?'([^']+)';$/gm)) {
      if (from.startsWith('.')) files.add(resolve(dirname(file), from));
      else if (!from.startsWith('node:')) packages.add(/^(?:@[^/]+\/)?[^/]+/.exec(from)?.[0] ?? from);
    }
  }
  return [...packages].sort();
}
