// Claim 9: Neural Cleanse's verdict depends on the model; fine-pruning and fine-tuning undo backdoors.
import { wilson } from '../intervals.ts';
import { meanWithInterval } from '../mean-interval.ts';
import { type ClaimTest, type DefenceObservation, type Evidence, type Finding, judge, missing } from './claim.ts';

/** A backdoor counts as removed below this ASR. */
const REMOVED = 0.2;

/** Mean ASR after a defence, seeds being the mean over their models. */
function after(own: readonly DefenceObservation[], what: string): Finding {
  const measured = own.filter((one) => one.asrAfter !== null);
  if (measured.length === 0) return missing(what);
  const seeds = new Map<string, number[]>();
  for (const one of measured) seeds.set(one.block, [...(seeds.get(one.block) ?? []), one.asrAfter ?? 0]);
  const means = [...seeds.values()].map((values) => values.reduce((sum, value) => sum + value, 0) / values.length);
  const effect = { label: 'mean ASR afterwards', unit: '%' } as const;
  return judge(meanWithInterval(means), 'below', effect, measured, { bound: REMOVED, scale: 100 });
}

function pruned({ defences }: Evidence, attack: string, tuningOnly: boolean): DefenceObservation[] {
  return defences.filter(
    (one) => one.defence === 'fine-pruning' && one.attack === attack && (one.pruningRate === 0) === tuningOnly,
  );
}

export const defences: readonly ClaimTest[] = [
  {
    id: '9a',
    statement: 'Neural Cleanse’s verdict on a backdoored model depends on the model’s architecture.',
    test({ defences: all }) {
      const own = all.filter((one) => one.defence === 'neural-cleanse' && one.detected !== null && one.model !== null);
      const models = [...new Set(own.map((one) => one.model))];
      if (models.length < 2) return missing('Needs Neural Cleanse verdicts on two models.');
      const rates = models
        .map((model) => {
          const verdicts = own.filter((one) => one.model === model);
          const share = verdicts.filter((one) => one.detected).length / verdicts.length;
          return { model, share, interval: wilson(share, verdicts.length) };
        })
        .sort((a, b) => b.share - a.share);
      const [most, least] = [rates[0], rates[rates.length - 1]];
      const apart = most.interval.low > least.interval.high;
      return {
        verdict: apart ? 'supported' : 'undecided',
        reason: apart
          ? 'The intervals of the shares detected do not touch.'
          : `The intervals of the shares detected overlap: ${own.length} verdicts are too few.`,
        effect: {
          label: `share detected: ${most.model} minus ${least.model}`,
          value: most.share - least.share,
          unit: 'share of models',
        },
        interval: null,
        p: null,
        seeds: new Set(own.map((one) => one.block)).size,
        runs: own.map((one) => one.id),
      };
    },
  },
  {
    id: '9b',
    statement: 'Fine-pruning removes BadNets (ASR below 20 %).',
    test: (evidence) => after(pruned(evidence, 'badnets', false), 'Needs fine-pruning of models with BadNets.'),
  },
  {
    id: '9c',
    statement: 'Fine-tuning alone (pruning rate 0) removes SSBA (ASR below 20 %).',
    test: (evidence) => after(pruned(evidence, 'ssba', true), 'Needs fine-pruning at rate 0 of models with SSBA.'),
  },
  {
    id: '9d',
    statement: 'Fine-tuning alone (pruning rate 0) removes WaNet (ASR below 20 %).',
    test: (evidence) => after(pruned(evidence, 'wanet', true), 'Needs fine-pruning at rate 0 of models with WaNet.'),
  },
];
