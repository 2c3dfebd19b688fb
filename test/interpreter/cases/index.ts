// All random cases: of the differentiable ops and composites, and of the others.
import type { CaseFamily } from './case.ts';
import { computingCases, countingCases } from './computing.ts';
import { comparisonCases, elementwiseCases } from './elementwise.ts';
import { movingCases, placingCases } from './moving.ts';
import { backwardWindowCases, windowCases } from './windows.ts';

export { type CaseFamily, type OpCase, type PreparedCase, prepare } from './case.ts';

export const differentiableCases: readonly CaseFamily[] = [
  ...elementwiseCases,
  ...windowCases,
  ...movingCases,
  ...computingCases,
];

export const otherCases: readonly CaseFamily[] = [
  ...comparisonCases,
  ...backwardWindowCases,
  ...placingCases,
  ...countingCases,
];

/** Families as rows for `it.each`, with the name in front for the title. */
export function named(families: readonly CaseFamily[]): [name: string, family: CaseFamily][] {
  return families.map((family) => [family.name, family]);
}
