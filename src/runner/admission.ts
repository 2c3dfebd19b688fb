// Lets runs begin only while the memory that they are predicted to take fits together into what there is.
import { freemem } from 'node:os';
import type { RunSpec } from '../spec/run-spec.ts';

/** Share of the free memory that runs may take: predictions are estimates, and others live here too. */
const SHARE = 0.85;

/** Bytes that this process and those it starts can still get, the limits of a container included. */
export function availableMemory(): number {
  const { availableMemory: ask } = process as { availableMemory?: () => number };
  return ask?.() || freemem();
}

export interface AdmissionOptions {
  /** Bytes that all runs may take together. Default: 85 % of what is free now. */
  readonly budget?: number | undefined;
  /** Bytes that a run is expected to take. */
  readonly predict: (spec: RunSpec) => Promise<number>;
  /** Told of a run that is expected to need more than there is. */
  readonly warn?: (message: string) => void;
}

export class Admission {
  readonly budget: number;
  readonly #options: AdmissionOptions;
  #taken = 0;
  #waiting: (() => void)[] = [];

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.budget = options.budget ?? SHARE * availableMemory();
  }

  /** Waits until a run fits beside those that are in; the answer lets it out again. A run alone always gets in. */
  async enter(spec: RunSpec): Promise<() => void> {
    const bytes = await this.#options.predict(spec);
    while (this.#taken > 0 && this.#taken + bytes > this.budget) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    if (bytes > this.budget) {
      const sizes = `${(bytes / 1e9).toFixed(1)} GB, and ${(this.budget / 1e9).toFixed(1)} GB are to be had`;
      this.#options.warn?.(`a run of ${spec.model} is expected to take ${sizes}`);
    }
    this.#taken += bytes;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#taken -= bytes;
      for (const wake of this.#waiting.splice(0)) wake();
    };
  }
}
