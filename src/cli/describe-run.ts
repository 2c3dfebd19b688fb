// One line about a run that ended, for the progress log.
import { formatPercent, formatSeconds } from '../core/format.ts';
import { datasetLabel, modelLabel } from '../core/references.ts';
import type { SweepEvent } from '../runner/sweep.ts';
import { flatFields } from '../spec/plan.ts';
import type { DefenseSpec, RunSpec } from '../spec/run-spec.ts';

type Ended = Extract<SweepEvent, { kind: 'finished' | 'skipped' }>;

/** `[3/27] resnet-mini badnets white top-left 8 % ε 2 % seed 0: clean 94.1 %, ASR 87.0 % (12 s)`. */
export function describeRun(event: Ended, position: number, total: number): string {
  const head = `[${String(position).padStart(String(total).length)}/${total}] ${runTitle(event.run.spec)}`;
  if (event.kind === 'skipped') return `${head}: skipped, ${event.reason}`;
  if (event.outcome.kind === 'failed') return `${head}: failed, ${event.outcome.error}`;
  const { cleanAccuracy, asr, naturalAsr, seconds } = event.outcome.metrics;
  const attack =
    asr === null
      ? ''
      : `, ASR ${formatPercent(asr)} (clean twin ${naturalAsr === null ? '?' : formatPercent(naturalAsr)})`;
  return `${head}: clean ${formatPercent(cleanAccuracy)}${attack}, ${formatSeconds(seconds)}`;
}

/** A run in a few words: model, attack with its main parameters, rate, seed. */
export function runTitle(spec: RunSpec): string {
  const { dataset, model, freeze, seed, attack, poisonRate } = spec;
  const place = `${datasetLabel(dataset)} ${modelLabel(model)} ${freeze}`;
  const after = spec.defense === undefined ? '' : `, ${defenseTitle(spec.defense)}`;
  if (attack.type === 'none') return `${place} clean, seed ${seed}${after}`;
  const fields = flatFields(spec);
  const shown = ['attack.color', 'attack.shape', 'attack.position', 'attack.size'].flatMap((field) => {
    const value = fields[field];
    if (value === undefined) return [];
    return [
      field === 'attack.size'
        ? formatPercent(Number(value), 0)
        : typeof value === 'object'
          ? JSON.stringify(value)
          : String(value),
    ];
  });
  const rule = spec.labels ? `, ${spec.labels}${spec.sources ? ` ${spec.sources.join(', ')}` : ''}` : '';
  return `${place} ${[attack.type, ...shown].join(' ')}${rule}, ε ${formatPercent(poisonRate)}, seed ${seed}${after}`;
}

/** `after fine-pruning rate 0.3 budget 0.05`: a defence with what its runs most often differ in. */
function defenseTitle({ type, ...parameters }: DefenseSpec): string {
  const shown = ['rate', 'budget'].flatMap((name) => (name in parameters ? [`${name} ${parameters[name]}`] : []));
  return ['after', type, ...shown].join(' ');
}
