// Findings of defences over a population of networks, as a table: means with 95 % t intervals over networks.
//   triggerlab results defense-sifting --store population --json | node bench/defense-findings.mjs
// Needs the built program (npm run build).
import { meanWithInterval } from '../dist/analysis/mean-interval.js';

const SHARES = ['recall', 'falsePositiveRate', 'precision', 'auc'];
const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const { runs } = JSON.parse(Buffer.concat(chunks).toString('utf8'));
const done = runs.filter(({ defense, status }) => defense && status === 'done');
const percent = (share) => (100 * share).toFixed(1);
const groups = new Map();
for (const run of done) {
  const network = run.attack.type === 'none' ? 'clean' : `backdoored, ε ${percent(run.poisonRate)} %`;
  const { type, epsilon } = run.defense;
  const defense = epsilon === undefined ? type : `${type}, ε ${epsilon}`;
  const key = [defense, run.model, run.dataset.replace(/^.*\/|\?.*$/g, ''), network].join(' | ');
  groups.set(key, [...(groups.get(key) ?? []), run.defenseMetrics]);
}

function mean(values) {
  const numbers = values.filter((value) => typeof value === 'number');
  if (numbers.length === 0) return '–';
  const found = meanWithInterval(numbers);
  if (!found?.interval) return percent(numbers.reduce((sum, value) => sum + value, 0) / numbers.length);
  const { low, high } = found.interval;
  return `${percent(found.value)} [${percent(Math.max(0, low))}, ${percent(Math.min(1, high))}]`;
}

console.log(
  `| defence | model | dataset | networks | n | ${SHARES.join(' % | ')} % | target flagged | networks with a class flagged |`,
);
console.log(`|${'---|'.repeat(SHARES.length + 7)}`);
for (const [key, found] of [...groups].sort(([a], [b]) => (a < b ? -1 : 1))) {
  const flagged = found.filter(({ flaggedClasses }) => flaggedClasses > 0).length;
  const target = found.filter(({ targetFlagged }) => targetFlagged === true).length;
  const counted = found.some(({ flaggedClasses }) => flaggedClasses !== undefined);
  const scored = found.some(({ targetFlagged }) => typeof targetFlagged === 'boolean');
  const shares = SHARES.map((name) => mean(found.map((metrics) => metrics[name])));
  const [a, b] = [scored ? `${target} of ${found.length}` : '–', counted ? `${flagged} of ${found.length}` : '–'];
  console.log(`| ${key} | ${found.length} | ${shares.join(' | ')} | ${a} | ${b} |`);
}
