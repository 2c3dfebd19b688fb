// A training of SSBA's networks that can be continued: all of its state in one file, written whole.
import { readFileSync, statSync } from 'node:fs';
import { writeFileAtomic } from '../../core/files.ts';
import { sizeOf, type Tensor } from '../../core/tensor.ts';
import { decodeSafetensors, encodeSafetensors } from '../../models/weights/safetensors.ts';

/** What decides how a training goes on. */
export interface SsbaState {
  /** Parameters and optimiser slots, as the step graph carries them. */
  readonly tensors: Readonly<Record<string, Tensor>>;
  /** Steps taken. */
  readonly step: number;
  /** The step whose bit accuracy first passed the schedule's mark. */
  readonly passed?: number | undefined;
  /** Checks in a row that were good enough. */
  readonly good: number;
  /** Time spent so far. */
  readonly seconds: number;
}

/** Writes a state under the key of its settings. */
export async function writeCheckpoint(path: string, key: string, { tensors, ...rest }: SsbaState): Promise<void> {
  await writeFileAtomic(path, encodeSafetensors(tensors, { key, state: JSON.stringify(rest) }));
}

/** The state in a file; undefined when there is none for this key whose tensors are those of `like`. */
export function readCheckpoint(
  path: string,
  key: string,
  like: Readonly<Record<string, Tensor>>,
): SsbaState | undefined {
  const most = Object.values(like).reduce((sum, { shape }) => sum + 4 * sizeOf(shape), 0) + 1e6;
  try {
    if (statSync(path).size > most) return undefined;
    const { tensors, metadata } = decodeSafetensors(readFileSync(path), path);
    const names = Object.keys(like);
    const fits = names.every((name) => {
      const found = tensors[name];
      return found?.dtype === 'float32' && String(found.shape) === String(like[name].shape);
    });
    if (metadata.key !== key || !fits || Object.keys(tensors).length !== names.length) return undefined;
    const { step, passed, good, seconds } = JSON.parse(metadata.state) as Record<string, unknown>;
    if (!isCount(step) || !isCount(good) || typeof seconds !== 'number') return undefined;
    if (passed !== undefined && !isCount(passed)) return undefined;
    return { tensors, step, passed, good, seconds };
  } catch {
    return undefined;
  }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
