// What bench/abs-population.mjs found, as figures: AUC, detection and false positives, targets identified, by parameters.
//   node bench/abs-figures.mjs abs.jsonl                                               Markdown
import { readFileSync } from 'node:fs';
import { areaUnderCurve, groupsOf, heading, parted, row, share } from './populations.mjs';

const all = process.argv
  .slice(2)
  .flatMap((file) => readFileSync(file, 'utf8').trim().split('\n'))
  .map((line) => JSON.parse(line));
const out = (line) => process.stdout.write(`${line}\n`);
const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];

for (const parameters of new Set(all.map((one) => JSON.stringify(one.parameters)))) {
  const own = all.filter((one) => JSON.stringify(one.parameters) === parameters);
  const { maskShare, seeds, candidates, iterations, bound } = JSON.parse(parameters);
  const { clean, bad, weak } = parted(own);
  out(
    `\nmask ${100 * maskShare} % of the image, ${seeds} seeds, ${candidates} candidates, ${iterations} iterations: ` +
      `clean ${clean.length}, backdoored ${bad.length}, left out ${weak.length} with a weaker backdoor; median per classifier: ` +
      `${median(own.map(({ cost }) => cost.forwardPasses))} images forward, ${median(own.map(({ cost }) => cost.backwardPasses))} backward, ` +
      `${median(own.map(({ cpuSeconds }) => cpuSeconds)).toFixed(0)} s of processor time\n`,
  );
  heading(
    ...['classifiers', 'AUC of REASR', `found at ${bound}`, `accused at ${bound}`, 'target right, of those found'],
    'best trigger is the target’s',
  );
  for (const [name, within] of groupsOf(own)) {
    const [c, b] = [clean.filter(within), bad.filter(within)];
    if (c.length === 0 || b.length === 0) continue;
    const score = ({ metrics }) => metrics.reasr;
    const flagged = ({ metrics }) => metrics.flagged;
    const best = (one) => one.candidates.reduce((a, b) => (a && a.reasr >= b.reasr ? a : b), undefined)?.class;
    row(
      ...[name, areaUnderCurve(c.map(score), b.map(score)), share(b, flagged), share(c, flagged)],
      share(b.filter(flagged), ({ metrics, target }) => metrics.suspectClass === target),
      share(b, (one) => best(one) === one.target),
    );
  }
}
