// Several tests at once: p values adjusted so that they can be compared with 0.05 again.

/**
 * Holm's step-down adjustment: keeps the probability of any false positive below the level, whatever the dependence
 * (S. Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6 (1979) 65-70).
 */
export function holm(p: readonly number[]): number[] {
  return stepped(p, (value, rank) => (p.length - rank) * value, 'up');
}

/**
 * Benjamini and Hochberg's adjustment: keeps the expected share of false positives among the positives below the level
 * (JRSS B 57 (1995) 289-300).
 */
export function benjaminiHochberg(p: readonly number[]): number[] {
  return stepped(p, (value, rank) => (p.length / (rank + 1)) * value, 'down');
}

/** Adjusts in ascending order (`rank` from 0), then makes the results monotone from the smallest up or the largest down. */
function stepped(p: readonly number[], adjust: (value: number, rank: number) => number, from: 'up' | 'down'): number[] {
  const order = p.map((_, at) => at).sort((a, b) => p[a] - p[b]);
  const adjusted = order.map((at, rank) => Math.min(1, adjust(p[at], rank)));
  if (from === 'up') for (let i = 1; i < order.length; i++) adjusted[i] = Math.max(adjusted[i], adjusted[i - 1]);
  else for (let i = order.length - 2; i >= 0; i--) adjusted[i] = Math.min(adjusted[i], adjusted[i + 1]);
  const result = new Array<number>(p.length);
  for (const [rank, at] of order.entries()) result[at] = adjusted[rank];
  return result;
}
