// Training interrupted and taken up again with the same bits: all that a loop carries from step to step, in one file.
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { z } from 'zod';
import { messageOf } from '../core/errors.ts';
import { makeDirectory } from '../core/files.ts';
import type { Tensor } from '../core/tensor.ts';
import { decodeSafetensors } from '../models/weights/safetensors.ts';
import { writeSafetensors } from '../models/weights/safetensors-file.ts';

/** Where a training loop is between two steps. Order of rows, masks and augmentation follow from it and the seed. */
const positionSchema = z.object({
  /** Epoch that is going on, from 1. */
  epoch: z.int().min(1),
  /** Batches of it that are done. */
  batches: z.int().min(0),
  /** Steps done in all. */
  steps: z.int().min(0),
  /** Sum of the losses of the images of this epoch so far. */
  lossSum: z.number(),
  /** Mean losses of the epochs before. */
  epochLosses: z.array(z.number()),
  /** Seconds of training so far. */
  seconds: z.number().min(0),
});

export type Position = z.infer<typeof positionSchema>;

export interface Checkpoint {
  readonly position: Position;
  /** Parameters, optimiser slots and running statistics, as step graphs carry them. */
  readonly state: Readonly<Record<string, Tensor>>;
}

/** What a training loop asks between steps. */
export interface Checkpointing {
  /** Where to go on; undefined to begin. */
  load(): Promise<Checkpoint | undefined>;
  /** What is to be done now: go on, write a checkpoint, or write one and stop. */
  due(): 'go on' | 'save' | 'stop';
  save(checkpoint: Checkpoint): Promise<void>;
}

/** Thrown by a training loop that was told to stop, after its checkpoint is written. */
export class TrainingStopped extends Error {
  constructor() {
    super('training was stopped');
    this.name = 'TrainingStopped';
  }
}

export const BEGINNING: Position = { epoch: 1, batches: 0, steps: 0, lossSum: 0, epochLosses: [], seconds: 0 };

/** A checkpoint that this training can go on from: the same tensors, a place within it. */
export function fitting(
  checkpoint: Checkpoint | undefined,
  fresh: Readonly<Record<string, Tensor>>,
  perEpoch: number,
  epochs: number,
): Checkpoint | undefined {
  if (!checkpoint) return undefined;
  const { position, state } = checkpoint;
  const names = Object.keys(fresh);
  const same =
    names.length === Object.keys(state).length &&
    names.every((name) => state[name]?.dtype === 'float32' && String(state[name].shape) === String(fresh[name].shape));
  const { epoch, batches, steps, epochLosses } = position;
  const placed =
    epoch <= epochs &&
    batches <= perEpoch &&
    steps === (epoch - 1) * perEpoch + batches &&
    epochLosses.length === epoch - 1;
  return same && placed ? checkpoint : undefined;
}

export interface CheckpointFileOptions {
  readonly path: string;
  /** The run that it belongs to; a file of another is not used. */
  readonly runId: string;
  /** Seconds between checkpoints; 0: only when told to stop. */
  readonly everySeconds: number;
  /** Told of a file that cannot be used or written: training goes on without it. */
  readonly warn: (message: string) => void;
  /** Told when a checkpoint has been written. */
  readonly onSaved?: (position: Position) => void;
}

/** A run's checkpoint in a file, written whole or not at all. */
export class CheckpointFile implements Checkpointing {
  readonly #options: CheckpointFileOptions;
  #last = performance.now();
  #stop = false;

  constructor(options: CheckpointFileOptions) {
    this.#options = options;
  }

  /** Training is to stop at the next step. */
  stop(): void {
    this.#stop = true;
  }

  due(): 'go on' | 'save' | 'stop' {
    if (this.#stop) return 'stop';
    const { everySeconds } = this.#options;
    return everySeconds > 0 && performance.now() - this.#last >= 1000 * everySeconds ? 'save' : 'go on';
  }

  async load(): Promise<Checkpoint | undefined> {
    const { path, runId, warn } = this.#options;
    if (!existsSync(path)) return undefined;
    try {
      const { tensors, metadata } = decodeSafetensors(await readFile(path), path);
      if (metadata.runId !== runId) throw new Error(`it belongs to run ${metadata.runId}`);
      return { position: positionSchema.parse(JSON.parse(metadata.position)), state: tensors };
    } catch (error) {
      warn(`the checkpoint ${path} cannot be used, the run begins anew: ${messageOf(error)}`);
      return undefined;
    }
  }

  async save({ position, state }: Checkpoint): Promise<void> {
    const { path, runId, warn, onSaved } = this.#options;
    try {
      makeDirectory(dirname(path));
      const metadata = { runId, position: JSON.stringify(position) };
      await writeSafetensors(
        dirname(path),
        () => basename(path),
        state,
        async (name) => state[name],
        metadata,
      );
      onSaved?.(position);
    } catch (error) {
      warn(`the checkpoint ${path} could not be written: ${messageOf(error)}`);
    }
    this.#last = performance.now();
  }

  /** Removes the file, when it is of no more use. */
  async remove(): Promise<void> {
    await rm(this.#options.path, { force: true });
  }
}
