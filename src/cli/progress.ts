// Progress on stderr: one line that rewrites itself on a terminal, a plain line now and then in a log.
import { formatBytes, formatSeconds } from '../core/format.ts';
import { log } from './output.ts';

const LOG_INTERVAL_MS = 10_000;
const DRAW_INTERVAL_MS = 100;
const BAR_WIDTH = 24;

/** Shows how far a piece of work is and how long it will still take. */
export class Progress {
  readonly #live: boolean;
  readonly #started = performance.now();
  #shown = Number.NEGATIVE_INFINITY;
  #text = '';

  constructor(live: boolean = process.stderr.isTTY === true) {
    this.#live = live;
  }

  /** `share` of all the work done, in [0, 1], and what is going on. */
  update(share: number, text: string): void {
    const now = performance.now();
    const due = now - this.#shown >= (this.#live ? DRAW_INTERVAL_MS : LOG_INTERVAL_MS);
    if (!due) return;
    this.#shown = now;
    const elapsed = (now - this.#started) / 1000;
    const left = share > 0.01 && elapsed > 1 ? `, about ${formatSeconds((elapsed * (1 - share)) / share)} left` : '';
    this.#text = `${bar(share)} ${String(Math.floor(100 * share)).padStart(3)} %  ${text}${left}`;
    this.#draw();
  }

  /** The same of a download, in bytes: what is here, what was when it began (time left is estimated from there on), and the whole. */
  download(file: string, received: number, before: number, total: number): void {
    const share = (received - before) / Math.max(1, total - before);
    this.update(Math.min(1, share), `${file}: ${formatBytes(received)} of ${formatBytes(total)}`);
  }

  /** Writes a line that stays, above the progress line. */
  note(text: string): void {
    this.#clear();
    log(text);
    if (this.#live && this.#text !== '') this.#draw();
  }

  /** Takes the progress line away. */
  end(): void {
    this.#clear();
    this.#text = '';
  }

  #draw(): void {
    if (this.#live) {
      this.#clear();
      process.stderr.write(this.#text.slice(0, (process.stderr.columns ?? 80) - 1));
    } else {
      log(this.#text);
    }
  }

  #clear(): void {
    if (this.#live) process.stderr.write('\r\x1b[2K');
  }
}

/** What is shorter than this needs no progress line. */
const QUIET_MS = 1500;

/** Progress of work that has several steps, each with an estimate of its own; quiet while the whole is short. */
export class StepProgress {
  readonly #started = performance.now();
  readonly #live: boolean | undefined;
  #step: Progress | undefined;
  #text = '';

  constructor(live?: boolean) {
    this.#live = live;
  }

  /** Told the step and how far it is; bound, so that it can be handed on. */
  readonly update = (text: string, done: number, total: number): void => {
    if (text !== this.#text) {
      this.#step?.end();
      this.#step = new Progress(this.#live);
      this.#text = text;
    }
    if (performance.now() - this.#started > QUIET_MS) this.#step?.update(done / total, `${text}: ${done} of ${total}`);
  };

  /** Takes the progress line away. */
  end(): void {
    this.#step?.end();
    this.#step = undefined;
    this.#text = '';
  }
}

/** Does work that tells its steps, with their progress on stderr until it ends. */
export async function withSteps<T>(work: (update: StepProgress['update']) => Promise<T>): Promise<T> {
  const progress = new StepProgress();
  try {
    return await work(progress.update);
  } finally {
    progress.end();
  }
}

function bar(share: number): string {
  const full = Math.round(BAR_WIDTH * Math.min(1, Math.max(0, share)));
  return `[${'█'.repeat(full)}${'·'.repeat(BAR_WIDTH - full)}]`;
}
