// The cheap schedule of Neural Cleanse beside the reference with its early stopping: masks, verdicts and cost of the same classifiers.
//   for seed in 0 1; do node bench/neural-cleanse-population.mjs --store population --run ID,ID --schedule reference --seed $seed --out reference.jsonl; done
//   for seed in 0 1 2; do node bench/neural-cleanse-population.mjs --store population --run ID,ID --seed $seed --out cheap.jsonl; done
//   node bench/neural-cleanse-schedules.mjs reference.jsonl cheap.jsonl                 Markdown
import { readFileSync } from 'node:fs';
import { anomalyIndices } from '../dist/defenses/neural-cleanse/anomaly-index.js';
import { calibrate, thresholdAt } from '../dist/defenses/neural-cleanse/calibration.js';
import { sizeFactors } from '../dist/defenses/neural-cleanse/size-factors.js';
import { heading, row } from './populations.mjs';

/** Share of clean classifiers that the verdict may accuse, as audit has it. */
const FALSE_POSITIVES = 0.05;

const classifiers = new Map();
for (const file of process.argv.slice(2)) {
  for (const line of readFileSync(file, 'utf8').trim().split('\n')) {
    const one = JSON.parse(line);
    const kept = classifiers.get(one.runId) ?? { reference: [], cheap: [] };
    kept[one.schedule].push(one);
    classifiers.set(one.runId, kept);
  }
}
const both = [...classifiers.values()].filter(({ reference, cheap }) => reference.length > 0 && cheap.length > 0);
const mean = (list) => list.reduce((sum, value) => sum + value, 0) / list.length;
const shown = (value) => value?.toFixed(value < 10 ? 1 : 0) ?? '–';

heading(
  'classifier',
  'schedule',
  'seed',
  'masks in pixels, class 0 to 9',
  'size factor',
  'verdict',
  'paper’s index',
  'images',
  'processor s',
);
for (const { reference, cheap } of both) {
  for (const one of [...reference, ...cheap]) {
    const { norms, target, model, dataset, schedule, seed, cost, cpuSeconds } = one;
    const sizes = sizeFactors(norms);
    const suspicious = sizes.score > thresholdAt(calibrate(norms.length), FALSE_POSITIVES);
    row(
      one === reference[0]
        ? `${model}, ${dataset.replace(/^.*\//, '')}, ${target === null ? 'clean' : `target ${target}`}`
        : '',
      schedule,
      seed,
      norms.map((norm, of) => (of === target ? `**${shown(norm)}**` : shown(norm))).join(' '),
      shown(sizes.score),
      suspicious ? `class ${sizes.smallest}` : 'none',
      anomalyIndices(norms).score?.toFixed(1) ?? '–',
      cost.backwardPasses,
      cpuSeconds.toFixed(0),
    );
  }
}

console.log('');
heading(
  'classifier',
  'median of cheap / reference',
  'classes whose ranges over seeds overlap',
  'largest / smallest over seeds: cheap',
  'reference',
  'images',
  'processor time',
);
for (const { reference, cheap } of both) {
  const classes = reference[0].norms.map((_, of) => of);
  const range = (list, of) => list.map(({ norms }) => norms[of] ?? Number.POSITIVE_INFINITY);
  const overlap = classes.filter((of) => {
    const [a, b] = [range(reference, of), range(cheap, of)];
    return Math.min(...a) <= Math.max(...b) && Math.min(...b) <= Math.max(...a);
  });
  const center = (list, of) => Math.exp(mean(range(list, of).map(Math.log)));
  const middle = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)].toFixed(2);
  const spread = (list) => middle(classes.map((of) => Math.max(...range(list, of)) / Math.min(...range(list, of))));
  const times = (of) => `${(mean(reference.map(of)) / mean(cheap.map(of))).toFixed(0)} : 1`;
  row(
    `${reference[0].model}, ${reference[0].target === null ? 'clean' : `target ${reference[0].target}`}`,
    middle(classes.map((of) => center(cheap, of) / center(reference, of))),
    `${overlap.length} of ${classes.length}`,
    spread(cheap),
    spread(reference),
    times(({ cost }) => cost.backwardPasses),
    times(({ cpuSeconds }) => cpuSeconds),
  );
}
