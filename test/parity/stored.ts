// The stored results of the full-size parity cases, and how results are held against them.
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { sketch } from '../fixtures/torch-train/formula.ts';
import {
  type CaseResult,
  FIXTURES,
  type FullSizeCase,
  gradientLimit,
  type Method,
  movementLimit,
  type Numbers,
  runCase,
} from './full-size.ts';

export interface Stored extends FullSizeCase {
  /** `torchError`: how far PyTorch's float32 is from its float64, relative. */
  readonly flat: Record<keyof CaseResult['flat'], { values: number[]; torchError: number }>;
  /** Norm of the gradient, PyTorch's error of it (absolute), and a sketch of it. */
  readonly gradients: Record<string, number[]>;
  /** `moved`: norm of the movement, PyTorch's error of it (absolute), norm of the start, and a sketch of the movement. */
  readonly steps: Partial<Record<Method, { losses: number[]; lossError: number; moved: Record<string, number[]> }>>;
}

export const { cases } = JSON.parse(readFileSync(new URL('full-size.json', FIXTURES), 'utf8')) as { cases: Stored[] };

/** What takes ten seconds to a minute each: the largest networks, and of AlexNet all freeze policies but the usual one. */
export const isLong = ({ model, freeze }: FullSizeCase) =>
  model === 'vgg19_bn' || model === 'resnet152' || (model === 'alexnet' && freeze !== 'paper');

const norm = (values: ArrayLike<number>) => Math.sqrt(Array.from(values).reduce((sum, v) => sum + v * v, 0));
const apart = (a: ArrayLike<number>, b: ArrayLike<number>) => norm(Array.from(b, (value, i) => a[i] - value));

/** How far a tensor is from the one that was sketched, in the 2-norm. */
const off = (values: Numbers, sums: readonly number[]) => apart(sketch(values), sums) / Math.sqrt(sums.length);

/** `limits` are those that `error` may not exceed; names the tensor where it does. */
const beyond = (name: string, error: number, ...limits: number[]) =>
  limits.every((limit) => error <= limit) ? [] : [`${name}: ${error.toExponential(2)} > ${limits.join(', ')}`];

/** Runs a case and compares everything that is stored of it. */
export async function expectAsStored(stored: Stored): Promise<void> {
  const result = await runCase(stored, 1);
  expect(Object.keys(result.flat).sort()).toEqual(Object.keys(stored.flat).sort());
  for (const [name, numbers] of Object.entries(result.flat)) {
    const { values, torchError } = stored.flat[name as keyof CaseResult['flat']];
    expect(apart(numbers, values) / norm(values), name).toBeLessThanOrEqual(Math.max(1e-4, 2 * torchError));
  }
  expect(Object.keys(result.gradients).sort()).toEqual(Object.keys(stored.gradients).sort());
  const whole = norm(Object.values(stored.gradients).map(([size]) => size));
  const gradients = Object.entries(stored.gradients).flatMap(([name, [size, torchError, ...sums]]) =>
    beyond(name, off(result.gradients[name], sums), gradientLimit(size, torchError, whole)),
  );
  expect(gradients).toEqual([]);
  for (const method of stored.optimizers) {
    const expected = stored.steps[method];
    const taken = result.steps[method];
    if (!expected || !taken) throw new Error(`no steps of ${method}`);
    const lossLimit = Math.max(1e-3, 2 * expected.lossError);
    expect(apart(taken.losses, expected.losses) / norm(expected.losses)).toBeLessThanOrEqual(lossLimit);
    expect(Object.keys(taken.moved).sort()).toEqual(Object.keys(expected.moved).sort());
    const moved = Object.entries(expected.moved).flatMap(([name, [size, torchError, start, ...sums]]) => {
      const value = Math.max(1e-3 * start, 2 * torchError);
      return beyond(name, off(taken.moved[name], sums), value, movementLimit(size, torchError));
    });
    expect(moved, method).toEqual([]);
  }
}
