// What a runtime offers, in Node and in a browser alike.
import type { Tensor } from '../core/tensor.ts';

export type Feeds = Readonly<Record<string, Tensor>>;

export interface SessionOptions {
  /** Threads inside one op; 1 or more. */
  readonly threads: number;
  /** Execution device: see devices.ts. Default `cpu`. */
  readonly device?: string;
  /** Writes a Chrome trace of every op to files beginning with this path. */
  readonly profile?: string;
}

/** A loaded graph. */
export interface Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /**
   * Runs the graph once.
   * @throws TriggerlabError (failed) naming the op that failed, or what is wrong with the feeds.
   */
  run(feeds: Feeds, outputs?: readonly string[]): Promise<Record<string, Tensor>>;
  /**
   * Runs the graph once and writes its outputs to the memory of `outputs`, tensors of the very shapes that come out. That may be
   * memory that is fed at the same time, where the graph reads each part before it writes it. Without copies in a session that was
   * opened for it.
   * @throws TriggerlabError as `run`.
   */
  runInto(feeds: Feeds, outputs: Feeds): Promise<void>;
  release(): Promise<void>;
}
