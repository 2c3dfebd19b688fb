// Tells the store at intervals that this worker lives and how far its runs are, so that nobody takes them for lost.
import { messageOf } from '../core/errors.ts';
import type { RunQueue } from '../queue/run-queue.ts';

/** Beats per lease: several may go missing before a run is lost. */
const BEATS = 5;

export class Heartbeat {
  readonly #queue: RunQueue;
  readonly #warn: (message: string) => void;
  readonly #after: () => Promise<void>;
  readonly #inHand = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #beating: Promise<void> = Promise.resolve();

  /** `after` follows every beat. */
  constructor(queue: RunQueue, warn: (message: string) => void, after: () => Promise<void>) {
    this.#queue = queue;
    this.#warn = warn;
    this.#after = after;
  }

  start(): void {
    this.#timer = setInterval(
      () => {
        this.#beating = this.#beating.then(() => this.#beat());
      },
      (1000 * this.#queue.leaseSeconds) / BEATS,
    );
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#beating;
  }

  take(runId: string): void {
    this.#inHand.set(runId, 0);
  }

  drop(runId: string): void {
    this.#inHand.delete(runId);
  }

  progress(runId: string, share: number): void {
    if (this.#inHand.has(runId)) this.#inHand.set(runId, share);
  }

  /** Ids of the runs in hand. */
  get runs(): string[] {
    return [...this.#inHand.keys()];
  }

  /** How many there are. */
  get size(): number {
    return this.#inHand.size;
  }

  /** Sum of the shares done of the runs in hand. */
  get shares(): number {
    return [...this.#inHand.values()].reduce((sum, share) => sum + share, 0);
  }

  async #beat(): Promise<void> {
    try {
      await this.#queue.beat(new Map(this.#inHand));
      // Runs of workers that fell silent must not wait until somebody is idle.
      await this.#queue.tidy(this.runs);
      await this.#after();
    } catch (error) {
      this.#warn(`the store could not be told that this worker lives: ${messageOf(error)}`);
    }
  }
}
