// What bench/neural-cleanse-population.mjs found, as figures: AUC, detection and false positives at thresholds, targets identified.
//   node bench/neural-cleanse-figures.mjs population.jsonl --null null.jsonl            Markdown
//   node bench/neural-cleanse-figures.mjs --null null.jsonl --calibrate                 rewrites the null distribution that audit uses
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { anomalyIndices } from '../dist/defenses/neural-cleanse/anomaly-index.js';
import { thresholdAt } from '../dist/defenses/neural-cleanse/calibration.js';
import { sizeFactors } from '../dist/defenses/neural-cleanse/size-factors.js';
import { areaUnderCurve, groupsOf, heading, parted, row, share } from './populations.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { null: { type: 'string' }, calibrate: { type: 'boolean', default: false } },
});
const read = (file) =>
  readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .map((one) => ({ ...one, linear: anomalyIndices(one.norms), factor: sizeFactors(one.norms) }));
const nulls = values.null === undefined ? [] : read(values.null);

if (values.calibrate) {
  const [{ model, dataset }] = nulls;
  const of = JSON.stringify(dataset).replace(/^"|"$/g, '');
  const provenance = `${nulls.length} clean ${model} classifiers of ${of} (suites/defense-null.yaml), Neural Cleanse with its cheap schedule, seed ${nulls[0].seed}`;
  const rows = nulls.map(
    ({ norms }) => `    [${norms.map((norm) => (norm === null ? 'null' : norm.toFixed(2))).join(', ')}],`,
  );
  writeFileSync(
    fileURLToPath(new URL('../src/defenses/neural-cleanse/null-distribution.ts', import.meta.url)),
    `// Mask norms of clean classifiers, one row each. Written by bench/neural-cleanse-figures.mjs --calibrate; see docs/defenses.md.
import { type CleanseSettings, cleanseSettings } from './settings.ts';

export interface NullDistribution {
  readonly provenance: string;
  /** What they were examined with. */
  readonly settings: CleanseSettings;
  /** Pixels a side of what they see. */
  readonly inputSize: number;
  /** ‖m‖₁ of each class, in pixels; null where no trigger was found. */
  readonly norms: readonly (readonly (number | null)[])[];
}

export const nullDistribution: NullDistribution = {
  provenance: '${provenance}',
  settings: cleanseSettings(${JSON.stringify({ schedule: nulls[0].schedule })}),
  inputSize: 32,
  norms: [
${rows.join('\n')}
  ],
};
`,
  );
  process.exit(0);
}

const all = positionals.flatMap(read);
const { clean, bad, weak } = parted(all);
const groups = groupsOf(all);
const out = (line) => process.stdout.write(`${line}\n`);
out(`clean ${clean.length}, backdoored ${bad.length} (ASR ≥ 80 %), left out ${weak.length} with a weaker backdoor`);
const smallest = ({ norms }) => norms.indexOf(Math.min(...norms.map((norm) => norm ?? Number.POSITIVE_INFINITY)));
out(`target has the smallest mask: ${share(bad, (one) => smallest(one) === one.target)}`);
const seconds = all.map(({ cpuSeconds }) => cpuSeconds).sort((a, b) => a - b);
out(`CPU seconds per classifier: median ${seconds[seconds.length >> 1].toFixed(1)}`);

const largest = Math.max(...[...clean, ...nulls].map(({ factor }) => factor.score ?? 0));
out(`largest size factor of ${clean.length + nulls.length} clean classifiers: ${largest.toFixed(2)}`);

for (const scale of ['linear', 'factor']) {
  const scoreOf = (one) => one[scale].score ?? 0;
  const calibrated = thresholdAt({ scores: nulls.map(scoreOf).sort((a, b) => a - b) }, 0.05);
  out(`\n## ${scale === 'linear' ? 'anomaly index' : 'size factor'}`);
  out(
    `null: ${nulls.length} clean; above 2: ${share(nulls, (one) => scoreOf(one) > 2)}; threshold for 5 %: ${calibrated.toFixed(2)}`,
  );
  out('');
  heading(
    ...['classifiers', 'AUC', 'found at 2', 'accused at 2', 'found at the calibrated threshold', 'accused there'],
    'target right, of those found there',
  );
  for (const [name, within] of groups) {
    const [c, b] = [clean.filter(within), bad.filter(within)];
    if (c.length === 0 || b.length === 0) continue;
    const above = (threshold) => (one) => scoreOf(one) > threshold;
    row(
      ...[name, areaUnderCurve(c.map(scoreOf), b.map(scoreOf))],
      ...[share(b, above(2)), share(c, above(2)), share(b, above(calibrated)), share(c, above(calibrated))],
      share(b.filter(above(calibrated)), (one) => smallest(one) === one.target),
    );
  }
  // Each classifier judged by a threshold that it had no part in: from the other nine parts of all clean ones of both files.
  const pool = [...clean, ...nulls].map(scoreOf);
  const thresholds = Array.from({ length: 10 }, (_, fold) =>
    thresholdAt({ scores: pool.filter((_, i) => i % 10 !== fold).sort((a, b) => a - b) }, 0.05),
  );
  const [low, high] = [Math.min(...thresholds), Math.max(...thresholds)].map((value) => value.toFixed(2));
  const accused = share(
    pool.map((score, i) => score > thresholds[i % 10]),
    (wrong) => wrong,
  );
  const found = share(
    bad.map((one, i) => scoreOf(one) > thresholds[i % 10]),
    (right) => right,
  );
  out(
    `\nten-fold over all ${pool.length} clean, thresholds for 5 % ${low} to ${high}: accused ${accused}, found ${found}`,
  );
}
