// Claim 8: invisible attacks (SSBA, WaNet) need a higher poisoning rate than BadNets.
import { keyOf } from '../factors.ts';
import type { Observation } from '../observations.ts';
import { type ClaimTest, type Finding, judge, meanAsr, missing, ofAttack, overSeeds, valuesOf } from './claim.ts';

const NAMES: Record<string, string> = { badnets: 'BadNets', ssba: 'SSBA', wanet: 'WaNet' };

/** The observations of the setting with the highest mean ASR; ties go to the first. */
function best(observations: readonly Observation[]): Observation[] {
  const cells = new Map<string, Observation[]>();
  for (const one of observations.filter((each) => each.asr !== null)) {
    const key = keyOf(Object.entries(one.factors).sort(([a], [b]) => (a < b ? -1 : 1)));
    cells.set(key, [...(cells.get(key) ?? []), one]);
  }
  const ordered = [...cells.values()].sort((a, b) => (meanAsr(b) ?? 0) - (meanAsr(a) ?? 0));
  return ordered[0] ?? [];
}

function atRate(observations: readonly Observation[], rate: number): Observation[] {
  return observations.filter((one) => Math.abs(Number(one.factors.poisonRate) - rate) < 1e-9);
}

/** The best setting of BadNets minus that of another attack, at the highest rate both were run at on the same datasets. */
function badnetsAgainst({ attacks }: { attacks: readonly Observation[] }, type: string): Finding {
  const [visible, other] = [ofAttack(attacks, 'badnets'), ofAttack(attacks, type)];
  const shared = (name: string) =>
    valuesOf(visible, name).filter((value) => valuesOf(other, name).some((own) => keyOf([own]) === keyOf([value])));
  const datasets = new Set(shared('dataset'));
  const rates = shared('poisonRate')
    .map(Number)
    .sort((a, b) => b - a);
  if (rates.length === 0 || datasets.size === 0) {
    return missing(`Needs BadNets and ${NAMES[type]} on one dataset at one poisoning rate.`);
  }
  const on = (observations: readonly Observation[]) =>
    best(atRate(observations, rates[0]).filter((one) => datasets.has(one.factors.dataset)));
  const [a, b] = [on(visible), on(other)];
  const estimate = overSeeds([...a, ...b], (seed) => {
    const [first, second] = [
      meanAsr(seed.filter((one) => a.includes(one))),
      meanAsr(seed.filter((one) => b.includes(one))),
    ];
    return first === undefined || second === undefined ? undefined : first - second;
  });
  const label = `BadNets minus ${NAMES[type]}, best settings at ε ${Number((100 * rates[0]).toPrecision(6))} %`;
  return judge(estimate, 'above', { label, unit: 'percentage points' }, [...a, ...b], { scale: 100 });
}

/** The best setting of an attack at a rate against a bound of the paper. */
function reach(id: string, type: string, rate: number, claimed: 'above' | 'below', bound: number): ClaimTest {
  const limit = `${Number((100 * bound).toPrecision(6))} %`;
  const at = `ε ${Number((100 * rate).toPrecision(6))} %`;
  return {
    id,
    statement: `At ${at} ${NAMES[type]} reaches ${claimed === 'above' ? 'at least' : 'at most'} ${limit}.`,
    test({ attacks }) {
      const own = best(atRate(ofAttack(attacks, type), rate));
      if (own.length === 0) return missing(`Needs ${NAMES[type]} at ${at}.`);
      const effect = { label: `best setting at ${at}`, unit: '%' } as const;
      return judge(overSeeds(own, meanAsr), claimed, effect, own, { bound, scale: 100 });
    },
  };
}

export const attackTypes: readonly ClaimTest[] = [
  {
    id: '8a',
    statement: 'At the same poisoning rate BadNets succeeds more than SSBA.',
    test: (evidence) => badnetsAgainst(evidence, 'ssba'),
  },
  {
    id: '8b',
    statement: 'At the same poisoning rate BadNets succeeds more than WaNet.',
    test: (evidence) => badnetsAgainst(evidence, 'wanet'),
  },
  reach('8c', 'ssba', 0.02, 'below', 0.9),
  reach('8d', 'wanet', 0.02, 'below', 0.59),
  reach('8e', 'badnets', 0.02, 'above', 0.99),
  reach('8f', 'ssba', 0.005, 'below', 0.5),
  reach('8g', 'wanet', 0.005, 'below', 0.12),
];
