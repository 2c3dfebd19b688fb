import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LambdaState, nextLambda, REFERENCE_LAMBDA, startLambda } from './lambda-schedule.ts';

type Step = readonly [success: number, norm: number];

function trace(steps: readonly Step[]) {
  let state: LambdaState = startLambda(REFERENCE_LAMBDA);
  const lambdas: number[] = [];
  const improved: number[] = [];
  let stopped: number | undefined;
  steps.forEach(([success, norm], i) => {
    if (stopped !== undefined) return;
    const next = nextLambda(REFERENCE_LAMBDA, state, { success, norm });
    state = next.state;
    lambdas.push(state.lambda);
    if (next.improved) improved.push(i + 1);
    if (next.stop) stopped = i + 1;
  });
  return { lambdas, improved, stopped, state };
}

const repeated = (count: number, step: Step): Step[] => Array.from({ length: count }, () => step);

/** The authors' loop (bolunwang/backdoor, `visualizer.py`: what it does with `cost`) written down a second time, as it is laid out there. */
function reference(steps: readonly Step[]): number[] {
  let cost = 0;
  let [set, up, down] = [0, 0, 0];
  return steps.map(([acc]) => {
    if (cost === 0 && acc >= 0.99) {
      set++;
      if (set >= 5) {
        cost = 1e-3;
        [up, down] = [0, 0];
      }
    } else set = 0;
    if (acc >= 0.99) [up, down] = [up + 1, 0];
    else [up, down] = [0, down + 1];
    if (up >= 5) {
      up = 0;
      cost *= 2;
    } else if (down >= 5) {
      down = 0;
      cost /= 2 ** 1.5;
    }
    return cost;
  });
}

describe('the schedule of λ', () => {
  it('is 0, then 1e-3 after five successes, then twice as much after four and every five more', () => {
    const { lambdas } = trace(repeated(15, [1, 50]));
    expect(lambdas).toEqual([...[0, 0, 0, 0, 1e-3, 1e-3, 1e-3, 1e-3], ...[2e-3, 2e-3, 2e-3, 2e-3, 2e-3, 4e-3, 4e-3]]);
  });

  it('needs five in a row', () => {
    expect(trace([...repeated(4, [1, 50]), [0.98, 50], ...repeated(4, [1, 50])]).state.lambda).toBe(0);
    expect(trace([...repeated(4, [1, 50]), [0.98, 50], ...repeated(5, [1, 50])]).state.lambda).toBe(1e-3);
    // 0.99 is a success.
    expect(trace(repeated(5, [0.99, 50])).state.lambda).toBe(1e-3);
  });

  it('is divided by 2^1.5 after five failures', () => {
    const { lambdas } = trace([...repeated(9, [1, 50]), ...repeated(10, [0.5, 50])]);
    expect(lambdas[8]).toBe(2e-3);
    expect(lambdas[12]).toBe(2e-3);
    expect(lambdas[13]).toBeCloseTo(2e-3 / 2 ** 1.5, 15);
    expect(lambdas[18]).toBeCloseTo(2e-3 / 8, 15);
  });

  it('keeps the smallest mask that works, and no other', () => {
    const steps: Step[] = [
      ...[[0.5, 10] as const, [1, 50] as const, [1, 60] as const, [0.98, 5] as const],
      ...[[1, 40] as const, [1, 40] as const, [1, Number.NaN] as const, [1, 39] as const],
    ];
    expect(trace(steps).improved).toEqual([2, 5, 8]);
    expect(trace(steps).state.best).toBe(39);
  });

  it('stops after 25 steps without a smaller mask, once λ was raised and lowered', () => {
    // Raised only: never.
    expect(trace(repeated(200, [1, 50])).stopped).toBeUndefined();
    // Lowered only (a failure does not start the count before a success does).
    expect(trace([...repeated(5, [1, 50]), ...repeated(100, [0, 50])]).stopped).toBeUndefined();
    // Raised at 9, lowered at 14; best at 1, so 25 idle steps end at 26.
    expect(trace([...repeated(9, [1, 50]), ...repeated(100, [0, 50])]).stopped).toBe(26);
    // A smaller mask starts the count anew.
    expect(trace([...repeated(9, [1, 50]), ...repeated(6, [0, 50]), [1, 20], ...repeated(60, [0, 50])]).stopped).toBe(
      41,
    );
  });

  it('equals the reference’s loop on a sequence followed by hand', () => {
    const rates = [
      ...[0.09, 0.41, 0.88, 0.97, 1, 1, 1, 1, 1, 1, 1, 0.99, 1, 1, 1, 1, 1, 0.97, 0.94, 0.91],
      ...[0.88, 0.94, 0.97, 1, 1, 0.97, 1, 1, 1, 1, 1, 1, 0.94, 0.9, 0.9, 0.9, 0.8, 0.7, 1, 1],
    ];
    const steps = rates.map((success, i): Step => [success, 100 - i]);
    expect(trace(steps).lambdas).toEqual(reference(steps).slice(0, trace(steps).lambdas.length));
    // By hand: five successes end at step 9; doubled at 13; steps 18 to 22 fail; at 31 doubled; 33 to 37 fail.
    const at = (step: number) => trace(steps).lambdas[step - 1];
    expect([8, 9, 12, 13].map(at)).toEqual([0, 1e-3, 1e-3, 2e-3]);
    expect(at(21)).toBe(2e-3);
    expect(at(22)).toBeCloseTo(2e-3 / 2 ** 1.5, 15);
    expect(at(31)).toBeCloseTo(4e-3 / 2 ** 1.5, 15);
  });

  it('equals the reference’s loop on any sequence', () => {
    const success = fc.constantFrom(0, 0.5, 0.98, 0.99, 1);
    fc.assert(
      fc.property(fc.array(success, { maxLength: 80 }), (rates) => {
        const steps = rates.map((rate): Step => [rate, 30]);
        const { lambdas } = trace(steps);
        expect(lambdas).toEqual(reference(steps).slice(0, lambdas.length));
      }),
    );
  });
});
