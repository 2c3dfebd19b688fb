// Our training step and PyTorch's side by side: the two take turns, so that whatever else the machine does hits both.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cpus, platform, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const SCHEMA_VERSION = 1;
const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const TORCH_STEP = fileURLToPath(new URL('./torch_step.py', import.meta.url));
const INSTALL = 'python3 -m pip install torch';
const MODELS = ['resnet-mini', 'alexnet-mini'];
const FREEZES = ['paper', 'none'];

const USAGE = `Usage: npm run bench:peers -- [options]

Images per second of a training step, ours and PyTorch's, taking turns. PyTorch runs with contiguous and with
channels-last tensors; the faster one counts.

  --python FILE    Python with torch (default: the variable TRIGGERLAB_PYTHON, else python3)
  --model NAME     ${MODELS.join(' or ')} (default: both)
  --freeze POLICY  paper, none, head or from:<n> (default: paper and none)
  --batch N        images per step (default: 128)
  --size N         side of the images in pixels (default: 32)
  --threads N      threads of each (default: 1)
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
        batch: string('128'),
        size: string('32'),
        threads: string('1'),
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
  if (values.model !== undefined && !MODELS.includes(values.model)) {
    usageError(`unknown model "${values.model}": ${MODELS.join(' or ')}`);
  }
  if (values.freeze !== undefined && !/^(paper|none|head|from:\d{1,4})$/.test(values.freeze)) {
    usageError(`unknown freeze policy "${values.freeze}": paper, none, head or from:<n>`);
  }
  return {
    ...values,
    models: values.model === undefined ? MODELS : [values.model],
    freezes: values.freeze === undefined ? FREEZES : [values.freeze],
    batch: wholeNumber('batch', values.batch, 2, 4096),
    size: wholeNumber('size', values.size, 16, 1024),
    threads: wholeNumber('threads', values.threads, 1, 256),
    rounds: wholeNumber('rounds', values.rounds, 1, 100),
    seconds: wholeNumber('seconds', values.seconds, 1, 600),
  };
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
function compare(model, freeze, peer, options) {
  const { batch, size, threads, rounds, seconds, python } = options;
  const shared = { model, freeze, batch, size, threads, seconds };
  const args = Object.entries(shared).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const ours = [];
  const theirs = [];
  for (let round = 1; round <= rounds; round++) {
    process.stderr.write(`${model} ${freeze}: round ${round}/${rounds}\n`);
    const [own] = jsonOf(process.execPath, [MAIN, 'bench', 'step', ...args, '--json']).steps;
    ours.push(own.imagesPerSecond);
    if (!peer) continue;
    const other = jsonOf(python, [TORCH_STEP, ...args]);
    for (const field of ['parameters', 'trainedParameters']) {
      if (own[field] === other[field]) continue;
      throw new Error(`${model} is not the same network in torch_step.py: ${field} ${own[field]} and ${other[field]}`);
    }
    theirs.push(other);
  }
  const speeds = theirs.map(({ imagesPerSecond }) => imagesPerSecond);
  const compared = speeds.length > 0;
  return {
    name: `step ${model} ${freeze} b${batch}${size === 32 ? '' : ` ${size}px`}${threads === 1 ? '' : ` t${threads}`}`,
    model,
    freeze,
    ours: median(ours),
    theirs: compared ? median(speeds) : null,
    ratio: compared ? median(ours) / median(speeds) : null,
    unit: 'images/s',
    rounds: ours.map((speed, i) => ({
      ours: speed,
      theirs: speeds[i] ?? null,
      theirMemoryFormat: theirs[i]?.memoryFormat ?? null,
      ratio: compared ? speed / speeds[i] : null,
    })),
  };
}

function table(rows) {
  const titles = ['step', 'ours (images/s)', 'theirs (images/s)', 'ratio', 'ratio of the rounds'];
  const number = (value, digits) => (value === null ? '-' : value.toFixed(digits));
  const cells = rows.map(({ name, ours, theirs, ratio, rounds }) => [
    name,
    number(ours, 0),
    number(theirs, 0),
    number(ratio, 2),
    ratio === null ? '-' : rounds.map((round) => number(round.ratio, 2)).join(' '),
  ]);
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
let rows;
try {
  rows = options.models.flatMap((model) => options.freezes.map((freeze) => compare(model, freeze, peer, options)));
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
  threads: options.threads,
};
if (options.json) {
  const document = { schemaVersion: SCHEMA_VERSION, machine, peer: peer ?? null, rows };
  process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
} else {
  process.stdout.write(
    `${table(rows)}\n\nRatio above 1: ours is faster. Peer: ${peer ?? 'none'}. Machine: ${machine.cpu}, ${machine.cores} cores.\n`,
  );
}
