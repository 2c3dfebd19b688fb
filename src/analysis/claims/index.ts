// The paper's claims, tested: every part has an effect, an interval, a verdict and the runs behind it.
import { holm } from '../multiplicity.ts';
import { attackTypes } from './attacks.ts';
import type { ClaimResult, ClaimTest, Evidence } from './claim.ts';
import { defences } from './defences.ts';
import { capacity } from './models.ts';
import { positionAndColor } from './position-and-color.ts';
import { sizeAndRate } from './size-and-rate.ts';

export type { ClaimResult, DefenceObservation, Evidence, Verdict } from './claim.ts';

/** In the order of the paper's claims, as docs/analysis.md numbers them. */
export const CLAIMS: readonly ClaimTest[] = [
  ...sizeAndRate,
  ...positionAndColor,
  ...capacity,
  ...attackTypes,
  ...defences,
].sort((a, b) => (a.id < b.id ? -1 : 1));

/** Tests every claim. What the evidence does not bear on is undecided, with what is missing as the reason. */
export function testClaims(evidence: Evidence): ClaimResult[] {
  const found = CLAIMS.map(({ id, statement, test }) => ({ id, statement, ...test(evidence) }));
  const tested = found.flatMap((one, at) => (one.p === null ? [] : [at]));
  const adjusted = holm(tested.map((at) => found[at].p ?? 1));
  return found.map((one, at) => {
    const place = tested.indexOf(at);
    return { ...one, pHolm: place < 0 ? null : adjusted[place] };
  });
}
