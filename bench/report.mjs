// SYNTHETIC: the report of made-up runs in the number of the paper's whole matrix (11,120 attacked, 60 clean), with its time,
// memory and size. npm run --silent build && node bench/report.mjs [directory]
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Rng } from '../dist/core/rng.js';
import { writeReport } from '../dist/report/write-report.js';

const directory = process.argv[2] ?? 'synthetic-report';
const strength = { alexnet: -2, googlenet: 0, vgg19_bn: 1.5, resnet152: 1 };
const rates = [0.005, 0.01, 0.015, 0.02];
const runs = [];

function add(dataset, model, attack, poisonRate, seed) {
  const clean = attack.type === 'none';
  const rng = Rng.of(seed, 'synthetic', runs.length);
  const size = attack.size ?? 0.05;
  const logit = 8 + strength[model] + 2 * Math.log2(size) + 0.8 * Math.log2(poisonRate * 100) + 0.3 * rng.normal();
  const asr = clean ? null : Math.round(9000 / (1 + Math.exp(-logit))) / 9000;
  const baseline = 0.9 + 0.002 * rng.normal();
  const cad = clean ? null : 0.3 * poisonRate + 0.001 * rng.normal();
  const training = { optimizer: 'adam', learningRate: 0.001, momentum: 0, weightDecay: 0, epochs: 20, batchSize: 128 };
  runs.push({
    runId: `synthetic-${String(runs.length).padStart(6, '0')}`,
    twinId: clean ? null : 'synthetic-twin',
    spec: {
      ...{ dataset, model, init: 'pretrained', freeze: 'paper', inputSize: 64, attack, targetClass: 0, training, seed },
      poisonRate: clean ? 0 : poisonRate,
    },
    status: 'done',
    metrics: {
      ...{
        cleanAccuracy: baseline - (cad ?? 0),
        asr,
        asrInclusive: asr,
        cad,
        cleanBaselineAccuracy: clean ? null : baseline,
      },
      ...{ naturalAsr: clean ? null : 0.01, effectivePixels: clean ? null : 20, testImages: 10_000 },
      ...{ attackedImages: clean ? null : 9000, epochs: 20, epochLosses: [1], seconds: 60, imagesPerSecond: 1000 },
    },
    environment: { triggerlab: 'synthetic', onnxruntime: 'synthetic', node: 'synthetic', threads: 1, cpu: 'synthetic' },
    ...{ error: null, experiments: ['synthetic'], startedAt: null, finishedAt: null },
  });
}

for (const seed of [0, 1, 2, 3, 4]) {
  for (const model of Object.keys(strength)) {
    for (const dataset of ['synthetic-mnist', 'synthetic-cifar10', 'synthetic-tiny-imagenet']) {
      add(dataset, model, { type: 'none' }, 0, seed);
      for (const poisonRate of rates) {
        for (const size of [0.04, 0.06, 0.08]) {
          for (const position of ['top-left', 'top-right', 'middle', 'bottom-left', 'bottom-right']) {
            for (const color of ['black', 'white', 'green']) {
              add(dataset, model, { type: 'badnets', size, position, color }, poisonRate, seed);
            }
          }
        }
        if (dataset === 'synthetic-mnist') continue;
        for (const type of ['ssba', 'wanet']) add(dataset, model, { type }, poisonRate, seed);
      }
    }
  }
}

const started = performance.now();
const { html } = await writeReport({
  experiment: {
    name: 'synthetic',
    specText: '# SYNTHETIC runs: made-up numbers\n',
    resolved: { description: 'SYNTHETIC: made-up numbers, nothing that any model ever did.' },
  },
  runs,
  directory,
});
const seconds = (performance.now() - started) / 1000;
const { size } = await stat(join(directory, 'index.html'));
const cpu = process.cpuUsage();
console.log(
  JSON.stringify({
    ...{ runs: runs.length, seconds, cpuSeconds: (cpu.user + cpu.system) / 1e6 },
    ...{ peakMemoryBytes: process.resourceUsage().maxRSS * 1024, htmlBytes: size, html },
  }),
);
