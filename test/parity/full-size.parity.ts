// torchvision's networks at full size against PyTorch itself: every entry of every tensor.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Tensor } from '../../src/core/tensor.ts';
import { decodeSafetensors } from '../../src/models/weights/safetensors.ts';
import {
  type CaseResult,
  gradientLimit,
  type Method,
  movementLimit,
  type Numbers,
  runCase,
  settings,
  titleOf,
} from './full-size.ts';
import { askTorch, requireTorch } from './python.ts';

interface Answer {
  /** `torchError`: how far PyTorch's float32 is from its float64, relative. */
  readonly flat: Record<keyof CaseResult['flat'], { values: number[]; torchError: number }>;
  /** How far PyTorch's float32 is off, in the 2-norm. */
  readonly gradientError: Record<string, number>;
  readonly steps: Record<Method, { losses: number[]; lossError: number; movedError: Record<string, number> }>;
}

const norm = (values: ArrayLike<number>) => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] ** 2;
  return Math.sqrt(sum);
};

function apart(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let sum = 0;
  for (let i = 0; i < b.length; i++) sum += (a[i] - b[i]) ** 2;
  return Math.sqrt(sum);
}

async function askCase(number: number): Promise<{ answer: Answer; tensors: Record<string, Tensor> }> {
  const directory = mkdtempSync(join(tmpdir(), 'triggerlab-parity-'));
  try {
    await askTorch('case', String(number), directory);
    const answer = JSON.parse(readFileSync(join(directory, 'case.json'), 'utf8')) as Answer;
    const { tensors } = decodeSafetensors(readFileSync(join(directory, 'case.safetensors')), 'case.safetensors');
    return { answer, tensors };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

beforeAll(async () => {
  console.log(await requireTorch());
});

describe('full size, against torchvision', () => {
  it.each(settings.cases.map((one, i) => [titleOf(one), i] as const))('%s', async (_, number) => {
    const { answer, tensors } = await askCase(number);
    const result = await runCase(settings.cases[number], 2);
    expect(Object.keys(result.flat).sort()).toEqual(Object.keys(answer.flat).sort());
    for (const [name, numbers] of Object.entries(result.flat)) {
      const { values, torchError } = answer.flat[name as keyof CaseResult['flat']];
      expect(apart(numbers, values) / norm(values), name).toBeLessThanOrEqual(Math.max(1e-4, 2 * torchError));
    }
    /** Tensors that are further off than `limit` allows, and how far the worst is. */
    const compare = (group: string, ours: Record<string, Numbers>, limit: (name: string, size: number) => number) => {
      const names = Object.keys(tensors).filter((name) => name.startsWith(`${group}/`));
      expect(
        Object.keys(ours)
          .map((name) => `${group}/${name}`)
          .sort(),
      ).toEqual([...names].sort());
      let worst = 0;
      const beyond = names.flatMap((full) => {
        const name = full.slice(group.length + 1);
        const theirs = tensors[full].data as Float32Array;
        const ratio = apart(ours[name], theirs) / limit(name, norm(theirs));
        worst = Math.max(worst, ratio);
        return ratio <= 1 ? [] : [`${name}: ${ratio.toFixed(2)} times the limit`];
      });
      expect(beyond, group).toEqual([]);
      return worst.toFixed(3);
    };
    const slopes = Object.keys(tensors).filter((name) => name.startsWith('gradients/'));
    const whole = norm(slopes.map((name) => norm(tensors[name].data as Float32Array)));
    const gradient = compare('gradients', { ...result.gradients }, (name, size) =>
      gradientLimit(size, answer.gradientError[name], whole),
    );
    console.log(`${titleOf(settings.cases[number])}: gradients at ${gradient} of the limit`);
    for (const method of settings.cases[number].optimizers) {
      const expected = answer.steps[method];
      const taken = result.steps[method];
      if (!taken) throw new Error(`no steps of ${method}`);
      const lossLimit = Math.max(1e-3, 2 * expected.lossError);
      expect(apart(taken.losses, expected.losses) / norm(expected.losses)).toBeLessThanOrEqual(lossLimit);
      const starts = result.startNorms;
      compare(method, taken.moved, (name) => Math.max(1e-3 * starts[name], 2 * expected.movedError[name]));
      const movement = compare(method, taken.moved, (name, size) => movementLimit(size, expected.movedError[name]));
      console.log(`${titleOf(settings.cases[number])}: ${method} at ${movement} of the limit`);
    }
  });
});
