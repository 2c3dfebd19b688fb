// Our training step and PyTorch's side by side: the two take turns, so that whatever else the machine does hits both.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism, cpus, platform, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { epochRows } from './epochs.mjs';

const SCHEMA_VERSION = 1;
const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const TORCH_STEP = fileURLToPath(new URL('./torch_step.py', import.meta.url));
const INSTALL = 'python3 -m pip install torch torchvision';
const CORES = availableParallelism();
/** What is compared by default: the paper's four networks as it trained them, and ours of 32 px. */
const FULL = {
  models: ['alexnet', 'googlenet', 'vgg19_bn', 'resnet152'],
  freezes: ['paper'],
  batch: 16,
  size: 128,
  threads: CORES,
};
const MINI = {
  models: ['resnet-mini', 'alexnet-mini', 'vgg-mini', 'googlenet-mini'],
  freezes: ['paper', 'none'],
  batch: 128,
  size: 32,
  threads: 1,
};
const MODELS = [...FULL.models, ...MINI.models];

const USAGE = `Usage: npm run bench:peers -- [options]

Images per second of a training step, ours and PyTorch's, taking turns. PyTorch runs with contiguous and with
channels-last tensors; the faster one counts. Without options: the four networks of the paper at 128 pixels, batch 16,
policy paper, on all cores, then the -mini ones at 32 pixels, batch 128, policies paper and none, on one thread; at last
whole epochs with the frozen part's features from the cache, beside PyTorch computing them each time.

  --python FILE    Python with torch and torchvision (default: the variable TRIGGERLAB_PYTHON, else python3)
  --model NAME     one of ${MODELS.join(', ')};
                   or full, mini or epochs for one part (default: all)
  --freeze POLICY  paper, none, head or from:<n>
  --batch N        images per step
  --size N         side of the images in pixels
  --threads N      threads of each
  --rounds N       turns of each (default: 3)
  --seconds N      seconds of one turn (default: 3)
  --json           one JSON document on stdout`;

/** Ends the program for bad usage. */
function usageError(message) {
  process.stderr.write(`error: ${message}\n\n${USAGE}\n`);
  process.exit(2);
}

function wholeNumber(name, text, low, high) {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < low || value > high) {
    usageError(`--${name} takes a whole number from ${low} to ${high}, got "${text}"`);
  }
  return value;
}

function readOptions() {
  const string = (fallback) => ({ type: 'string', default: fallback });
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        python: string(process.env.TRIGGERLAB_PYTHON || 'python3'),
        model: { type: 'string' },
        freeze: { type: 'string' },
        batch: { type: 'string' },
        size: { type: 'string' },
        threads: { type: 'string' },
        rounds: string('3'),
        seconds: string('3'),
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }));
  } catch (error) {
    usageError(error.message);
  }
  if (values.help) {
    process.stdout.write(`${USAGE}\n`);
    process.exit(0);
  }
  if (values.model !== undefined && !['full', 'mini', 'epochs', ...MODELS].includes(values.model)) {
    usageError(`unknown model "${values.model}": full, mini, epochs, ${MODELS.join(', ')}`);
  }
  if (values.freeze !== undefined && !/^(paper|none|head|from:\d{1,4})$/.test(values.freeze)) {
    usageError(`unknown freeze policy "${values.freeze}": paper, none, head or from:<n>`);
  }
  return {
    python: values.python,
    json: values.json,
    cases: casesOf(values),
    epochs: values.model === undefined || values.model === 'epochs',
    rounds: wholeNumber('rounds', values.rounds, 1, 100),
    seconds: wholeNumber('seconds', values.seconds, 1, 600),
  };
}

/** The steps to compare: those of both halves that the options leave, with what the options set. */
function casesOf(values) {
  const set = {};
  for (const [name, low, high] of [
    ['batch', 2, 4096],
    ['size', 16, 1024],
    ['threads', 1, 256],
  ]) {
    if (values[name] !== undefined) set[name] = wholeNumber(name, values[name], low, high);
  }
  return Object.entries({ full: FULL, mini: MINI }).flatMap(([half, { models, freezes, ...fixed }]) =>
    models
      .filter((model) => [undefined, half, model].includes(values.model))
      .flatMap((model) =>
        (values.freeze === undefined ? freezes : [values.freeze]).map((freeze) => ({
          half,
          model,
          freeze,
          ...fixed,
          ...set,
        })),
      ),
  );
}

/** Runs a program that prints one JSON document. @throws Error with what it said on stderr when it fails. */
function jsonOf(program, args) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (error || status !== 0) throw new Error(error ? error.message : `${program} ${args.join(' ')}: ${stderr.trim()}`);
  return JSON.parse(stdout);
}

/** The peer's version, or undefined with a word to the reader when torch cannot be imported. */
function findTorch(python) {
  const { status, stdout } = spawnSync(python, ['-c', 'import torch; print(torch.__version__)'], { encoding: 'utf8' });
  if (status === 0) return `PyTorch ${stdout.trim()}`;
  process.stderr.write(
    `"${python}" cannot import torch: only our own figures follow.\n  Install it with: ${INSTALL}\n` +
      '  or name a Python that has it: --python FILE, or the variable TRIGGERLAB_PYTHON.\n',
  );
  return undefined;
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

/** One row: `rounds` turns of each; medians of the turns, and the ratio of every turn. */
function compare({ half, ...shared }, peer, { rounds, seconds, python }) {
  const { model, freeze, batch, size, threads } = shared;
  const args = Object.entries({ ...shared, seconds }).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const ours = [];
  const theirs = [];
  for (let round = 1; round <= rounds; round++) {
    process.stderr.write(`${model} ${freeze}: round ${round}/${rounds}\n`);
    const [own] = jsonOf(process.execPath, [MAIN, 'bench', 'step', ...args, '--json']).steps;
    ours.push(own);
    if (!peer) continue;
    const other = jsonOf(python, [TORCH_STEP, ...args]);
    for (const field of ['parameters', 'trainedParameters']) {
      if (own[field] === other[field]) continue;
      throw new Error(`${model} is not the same network in torch_step.py: ${field} ${own[field]} and ${other[field]}`);
    }
    theirs.push(other);
  }
  const both = (figure) => {
    const [own, other] = [ours.map(figure), theirs.map(figure)];
    return peer
      ? { ours: median(own), theirs: median(other), ratio: median(own) / median(other) }
      : { ours: median(own), theirs: null, ratio: null };
  };
  return {
    name: `step ${model} ${freeze} b${batch}${size === 32 ? '' : ` ${size}px`}${threads === 1 ? '' : ` t${threads}`}`,
    half,
    ...shared,
    ...both(({ imagesPerSecond }) => imagesPerSecond),
    unit: 'images/s',
    gflopsPerSecond: median(ours.map(({ gflopsPerSecond }) => gflopsPerSecond)),
    cpuSeconds: inverse(both(({ medianCpuSeconds }) => medianCpuSeconds)),
    peakMemoryBytes: both(({ peakMemoryBytes }) => peakMemoryBytes),
    productGflopsPerSecond: peer
      ? median(theirs.map(({ productGflopsPerSecond }) => productGflopsPerSecond.best))
      : null,
    rounds: ours.map(({ imagesPerSecond }, i) => ({
      ours: imagesPerSecond,
      theirs: theirs[i]?.imagesPerSecond ?? null,
      theirMemoryFormat: theirs[i]?.memoryFormat ?? null,
      ratio: peer ? imagesPerSecond / theirs[i].imagesPerSecond : null,
    })),
  };
}

/** The ratio turned round, for figures of which less is better. */
function inverse(figure) {
  return { ...figure, ratio: figure.ratio === null ? null : 1 / figure.ratio };
}

/** Geometric means of the ratios by half; null where nothing was compared. */
function geometricMeans(rows, ratioOf) {
  const mean = (half) => {
    const ratios = rows.filter((row) => row.half === half).map(ratioOf);
    if (ratios.length === 0 || ratios.includes(null)) return null;
    return Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
  };
  return { full: mean('full'), mini: mean('mini') };
}

const fixed = (value, digits) => (value === null ? '-' : value.toFixed(digits));

function table(rows) {
  const titles = [
    'step',
    'ours (images/s)',
    'theirs',
    'ratio',
    'of the rounds',
    'by processor time',
    'GFLOP/s',
    'of sgemm',
    'peak memory (MiB)',
    'theirs',
    'ratio',
  ];
  const mebibytes = (bytes) => fixed(bytes === null ? null : bytes / 2 ** 20, 0);
  const cells = rows.map(
    ({ name, ours, theirs, ratio, rounds, cpuSeconds, gflopsPerSecond, productGflopsPerSecond, peakMemoryBytes }) => [
      name,
      fixed(ours, ours < 100 ? 1 : 0),
      fixed(theirs, ours < 100 ? 1 : 0),
      fixed(ratio, 2),
      ratio === null ? '-' : rounds.map((round) => fixed(round.ratio, 2)).join(' '),
      fixed(cpuSeconds.ratio, 2),
      fixed(gflopsPerSecond, 0),
      productGflopsPerSecond === null ? '-' : `${fixed((100 * gflopsPerSecond) / productGflopsPerSecond, 0)} %`,
      mebibytes(peakMemoryBytes.ours),
      mebibytes(peakMemoryBytes.theirs),
      fixed(peakMemoryBytes.ratio, 2),
    ],
  );
  const widths = titles.map((title, at) => Math.max(title.length, ...cells.map((row) => row[at].length)));
  const line = (row) =>
    row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at]))).join('  ');
  return [line(titles), widths.map((width) => '-'.repeat(width)).join('  '), ...cells.map(line)].join('\n');
}

const options = readOptions();
if (!existsSync(MAIN)) {
  process.stderr.write('error: triggerlab is not built\n  Run npm run build first.\n');
  process.exit(1);
}
const peer = findTorch(options.python);
const log = (text) => process.stderr.write(`${text}\n`);
let rows;
let epochs = [];
try {
  rows = options.cases.map((one) => compare(one, peer, options));
  if (options.epochs)
    epochs = epochRows({ python: peer && options.python, rounds: options.rounds, threads: CORES, log });
} catch (error) {
  process.stderr.write(`error: ${error.message}\n`);
  process.exit(1);
}
const machine = {
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  cores: cpus().length,
  memoryBytes: totalmem(),
  system: `${platform()} ${release()}`,
  node: process.versions.node,
  threads: CORES,
};
const means = geometricMeans(rows, ({ ratio }) => ratio);
const cpuMeans = geometricMeans(rows, ({ cpuSeconds }) => cpuSeconds.ratio);
const products = rows.filter((row) => row.productGflopsPerSecond !== null);
if (options.json) {
  const document = {
    schemaVersion: SCHEMA_VERSION,
    machine,
    peer: peer ?? null,
    geometricMeans: means,
    geometricMeansByCpuTime: cpuMeans,
    rows: [...rows, ...epochs],
  };
  process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
} else {
  const speeds = new Map(products.map(({ threads, productGflopsPerSecond }) => [threads, productGflopsPerSecond]));
  const lines = [
    ...(rows.length > 0 ? [table(rows), ''] : []),
    ...epochs.map(
      ({ name, ours, firstEpoch, theirs, ratio }) =>
        `${name}: ${fixed(ours, 0)} images/s (the first epoch, which fills the cache: ${fixed(firstEpoch, 1)}), theirs ${fixed(theirs, 1)}, ratio ${fixed(ratio, 2)}`,
    ),
    `Geometric mean of the ratios: full size ${fixed(means.full, 2)}, -mini ${fixed(means.mini, 2)}; by processor time ${fixed(cpuMeans.full, 2)} and ${fixed(cpuMeans.mini, 2)}.`,
    'Above 1: ours is faster; memory below 1: ours takes less.',
    ...[...speeds].map(
      ([threads, speed]) =>
        `sgemm (torch.mm, 1024 x 1024, the best of each run), threads ${threads}: ${fixed(speed, 0)} GFLOP/s.`,
    ),
    `Peer: ${peer ?? 'none'}. Machine: ${machine.cpu}, ${machine.cores} cores.`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
