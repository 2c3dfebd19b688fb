import { expect, it } from 'vitest';
import { Rng } from '../core/rng.ts';
import { type Initializer, initialize } from './initializers.ts';

const SHAPE = [64, 32, 3, 3];
const FAN_IN = 32 * 9;

function drawn(initializer: Initializer): Float32Array {
  return initialize(initializer, SHAPE, Rng.of(1, 'test')).data;
}

/** Mean of squares. */
function power(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value * value, 0) / values.length;
}

it.each([
  ['uniform', 1 / Math.sqrt(FAN_IN)],
  ['kaiming-uniform', Math.sqrt(6 / FAN_IN)],
] as const)('%s fills its range evenly', (kind, bound) => {
  const values = drawn({ kind });
  expect(Math.max(...values)).toBeLessThanOrEqual(Math.fround(bound));
  expect(Math.min(...values)).toBeGreaterThanOrEqual(Math.fround(-bound));
  expect(Math.max(...values)).toBeGreaterThan(0.99 * bound);
  // A uniform number in ±b has variance b²/3.
  expect(power(values) / (bound ** 2 / 3)).toBeCloseTo(1, 1);
});

it('kaiming-fan-out is normal with variance 2 / (outputs · k²)', () => {
  expect(power(drawn({ kind: 'kaiming-fan-out' })) / (2 / (64 * 9))).toBeCloseTo(1, 1);
});

/** Share of values beyond `bound`. */
const beyond = (values: Float32Array, bound: number) =>
  values.filter((v) => Math.abs(v) > bound).length / values.length;

it('normal has its deviation and the tails of a normal', () => {
  const values = drawn({ kind: 'normal', deviation: 0.01 });
  expect(power(values) / 1e-4).toBeCloseTo(1, 1);
  expect(values.reduce((sum, v) => sum + v, 0) / values.length).toBeCloseTo(0, 3);
  expect(beyond(values, 0.02)).toBeCloseTo(0.0455, 2);
});

it('truncated-normal is drawn again beyond two deviations', () => {
  const values = drawn({ kind: 'truncated-normal', deviation: 0.01 });
  expect(beyond(values, 0.02)).toBe(0);
  // A normal cut at ±2 deviations has 0.7737 of its variance left.
  expect(power(values) / 1e-4).toBeCloseTo(0.7737, 1);
  expect(beyond(values, 0.019)).toBeCloseTo(0.0125, 2);
  // A normal has 31.7 % beyond one deviation.
  expect(Math.abs(beyond(values, 0.01) - (0.3173 - 0.0455) / (1 - 0.0455))).toBeLessThan(0.012);
});

it('draws the same numbers from the same stream, and constants without one', () => {
  expect(drawn({ kind: 'uniform' })).toEqual(drawn({ kind: 'uniform' }));
  expect(initialize({ kind: 'constant', value: 2 }, [3], Rng.of(1)).data).toEqual(Float32Array.of(2, 2, 2));
});

it('takes a fan-in other than that of the shape, for biases', () => {
  const values = initialize({ kind: 'uniform', fanIn: 4 }, [1000], Rng.of(2)).data;
  expect(Math.max(...values)).toBeGreaterThan(0.49);
  expect(Math.max(...values)).toBeLessThanOrEqual(0.5);
});
