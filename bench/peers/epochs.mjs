// An epoch with the frozen part's features from the cache beside PyTorch's, which computes them every time.
// As a program it measures our side and prints one JSON document: node bench/peers/epochs.mjs --model alexnet --freeze paper
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const SELF = fileURLToPath(import.meta.url);
const TORCH_EPOCH = fileURLToPath(new URL('./torch_epoch.py', import.meta.url));
const CLASSES = 10;

/** What is compared: the images make an epoch of a few seconds for PyTorch. */
const CASES = [
  { model: 'alexnet', freeze: 'paper', batch: 16, size: 224, images: 128 },
  { model: 'resnet152', freeze: 'head', batch: 16, size: 224, images: 64 },
];

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

function jsonOf(program, args) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (error || status !== 0) throw new Error(error ? error.message : `${program} ${args.join(' ')}: ${stderr.trim()}`);
  return JSON.parse(stdout);
}

/**
 * Rows as those of the training step, in images per second; `ours` is that of the second epoch and later, `firstEpoch` that of
 * the epoch that fills the cache. `python` is undefined where there is no torch with torchvision: `theirs` is then null.
 */
export function epochRows({ python, rounds, threads, log = () => {} }) {
  return CASES.map((one) => {
    const args = Object.entries({ ...one, threads }).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const turns = Array.from({ length: rounds }, (_, i) => {
      log(`${one.model} ${one.freeze}, an epoch: round ${i + 1}/${rounds}`);
      const own = jsonOf(process.execPath, [SELF, ...args]);
      const other = python === undefined ? undefined : jsonOf(python, [TORCH_EPOCH, ...args]);
      const speed = (seconds) => one.images / seconds;
      return {
        ours: speed(own.epochSeconds),
        firstEpoch: speed(own.firstEpochSeconds),
        theirs: other ? speed(other.epochSeconds) : null,
        ratio: other ? other.epochSeconds / own.epochSeconds : null,
        ourMemoryBytes: own.peakMemoryBytes,
        theirMemoryBytes: other?.peakMemoryBytes ?? null,
        theirMemoryFormat: other?.memoryFormat ?? null,
      };
    });
    const middle = (field) => (turns[0][field] === null ? null : median(turns.map((turn) => turn[field])));
    const [ours, theirs] = [middle('ours'), middle('theirs')];
    return {
      name: `epoch ${one.model} ${one.freeze} b${one.batch} ${one.size}px cached${threads === 1 ? '' : ` t${threads}`}`,
      model: one.model,
      freeze: one.freeze,
      ours,
      firstEpoch: middle('firstEpoch'),
      theirs,
      ratio: theirs === null ? null : ours / theirs,
      unit: 'images/s',
      rounds: turns,
    };
  });
}

/** Trains on random images with an empty cache and times every epoch. */
async function measure({ model: name, freeze, batch, size, images, threads }) {
  const load = (path) => import(new URL(`../../dist/${path}.js`, import.meta.url).href);
  const { Rng } = await load('core/rng');
  const { memorySource } = await load('data/dataset');
  const { describeArchitecture } = await load('models/architecture');
  const { parseFreeze } = await load('models/freeze');
  const { models } = await load('models/registry');
  const { randomState } = await load('models/state');
  const { Runtime } = await load('runtime/node');
  const { FeatureStore } = await load('data/feature-store');
  const { createNetwork } = await load('train/network');
  const { train } = await load('train/train');

  const model = models.get(name);
  const rng = Rng.of(0, 'bench');
  const pixels = Uint8Array.from({ length: images * size * size * 3 }, () => rng.bits() & 255);
  const labels = Uint16Array.from({ length: images }, (_, i) => i % CLASSES);
  const train_ = memorySource({ height: size, width: size, channels: 3 }, pixels, labels);
  const dataset = { classes: Array.from({ length: CLASSES }, (_, i) => String(i)), train: train_ };
  const start = { ...randomState(describeArchitecture(model.architecture, size, CLASSES, 'pretrained'), 0) };
  // Random residual networks double their values in every block; these stay in range.
  for (const key of Object.keys(start))
    if (key.endsWith('.bn3.weight')) start[key] = { ...start[key], data: start[key].data.map(() => 0.1) };
  const directory = mkdtempSync(join(tmpdir(), 'triggerlab-bench-'));
  const runtime = new Runtime({ threads });
  try {
    const features = new FeatureStore({ directory, limit: 1e10 });
    const policy = parseFreeze(freeze);
    const given = { model, dataset, inputSize: size, init: 'pretrained', freeze: policy, seed: 0, start, features };
    const network = await createNetwork(given);
    const ends = [performance.now()];
    const method = { optimizer: 'adam', learningRate: 1e-3, momentum: 0, weightDecay: 0 };
    const onEpoch = () => void ends.push(performance.now());
    const { epochLosses } = await train(runtime, network, dataset.train, {
      ...method,
      epochs: 4,
      batchSize: batch,
      seed: 0,
      onEpoch,
    });
    const [firstEpochSeconds, ...later] = ends.slice(1).map((end, i) => (end - ends[i]) / 1000);
    const peakMemoryBytes = process.resourceUsage().maxRSS * 1024;
    return { schemaVersion: 1, firstEpochSeconds, epochSeconds: median(later), epochLosses, peakMemoryBytes };
  } finally {
    await runtime.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

if (process.argv[1] === SELF) {
  const number = (fallback) => ({ type: 'string', default: String(fallback) });
  const { values } = parseArgs({
    options: {
      model: { type: 'string', default: 'alexnet' },
      freeze: { type: 'string', default: 'paper' },
      batch: number(16),
      size: number(224),
      images: number(128),
      threads: number(1),
    },
  });
  const { model, freeze, ...numbers } = values;
  const options = Object.fromEntries(Object.entries(numbers).map(([key, value]) => [key, Number(value)]));
  process.stdout.write(`${JSON.stringify(await measure({ model, freeze, ...options }), null, 2)}\n`);
}
