// What plan predicts, through the command line: memory and disk at once, time once this machine was measured; plan itself leaves no trace.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cli } from './support/cli.ts';

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
