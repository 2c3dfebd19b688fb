// A pool of runner processes. A process takes many runs; it is replaced when it crashes, grows too large or has done its share.
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Job, ParentMessage, RunnerEnd, RunnerMessage, RunnerNews } from './protocol.ts';

/** Outcome of a job: the runner's last word, or what is known of its crash. */
export type Outcome = RunnerEnd;

export interface PoolOptions {
  readonly workers: number;
  /** Threads inside one operation, per worker. */
  readonly threads: number;
  /** The module that does runs in a process of its own. Benchmarks name one that does nothing. */
  readonly program?: string;
}

/** A runner process is replaced after this many runs or beyond this resident memory. */
const RUNS_PER_PROCESS = 200;
const MAX_RESIDENT_BYTES = 4e9;

interface Runner {
  readonly process: ChildProcess;
  readonly ready: Promise<void>;
  runs: number;
}

export class RunnerPool {
  readonly workers: number;
  readonly #threads: number;
  readonly #program: string;
  readonly #idle: Runner[] = [];
  readonly #all = new Set<ChildProcess>();
  #closed = false;
  #stopping = false;

  constructor({ workers, threads, program = fileURLToPath(new URL('./child.js', import.meta.url)) }: PoolOptions) {
    this.workers = workers;
    this.#threads = threads;
    this.#program = program;
  }

  /** Does a job in a process of its own. Never throws for what happens inside: a crash is an outcome too. */
  async run(job: Job, onNews: (news: RunnerNews) => void): Promise<Outcome> {
    if (this.#closed) return { kind: 'failed', error: 'the runner processes were ended', memory: 0, crashed: true };
    if (this.#stopping) return { kind: 'stopped', memory: 0 };
    const runner = this.#takeIdle() ?? this.#start();
    const outcome = await this.#converse(runner, job, onNews);
    runner.runs++;
    const spent = runner.runs >= RUNS_PER_PROCESS || outcome.memory > MAX_RESIDENT_BYTES;
    if (runner.process.connected && !spent && !this.#closed) this.#idle.push(runner);
    else if (runner.process.connected) runner.process.disconnect();
    return outcome;
  }

  /** An idle process that is still alive: the system may have ended one meanwhile. */
  #takeIdle(): Runner | undefined {
    for (let runner = this.#idle.pop(); runner; runner = this.#idle.pop()) {
      const { connected, exitCode, signalCode } = runner.process;
      if (connected && exitCode === null && signalCode === null) return runner;
    }
    return undefined;
  }

  /** Asks runs in hand to write a checkpoint and stop, as soon as they can; jobs given from now on are not begun. */
  stop(): void {
    this.#stopping = true;
    const message: ParentMessage = { kind: 'stop' };
    for (const child of this.#all) if (child.connected) child.send(message, () => {});
  }

  /** Ends all processes, working ones too; jobs given from now on fail. */
  close(): void {
    this.#closed = true;
    for (const child of this.#all) child.kill('SIGKILL');
  }

  #start(): Runner {
    const child = fork(this.#program, [String(this.#threads)], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#all.add(child);
    child.once('exit', () => this.#all.delete(child));
    const ready = new Promise<void>((resolve) => {
      child.once('message', () => resolve());
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
    return { process: child, ready, runs: 0 };
  }

  #converse({ process: child, ready }: Runner, job: Job, onNews: (news: RunnerNews) => void): Promise<Outcome> {
    return new Promise((resolve) => {
      let complaint = '';
      const hear = (chunk: Buffer) => {
        complaint = (complaint + chunk.toString()).slice(-20_000);
      };
      const finish = (outcome: Outcome) => {
        child.off('message', onMessage);
        child.off('close', onExit);
        child.off('error', onError);
        child.stderr?.off('data', hear);
        resolve(outcome);
      };
      const crash = (how: string) =>
        finish({ kind: 'failed', error: `the runner process ${how}`, memory: 0, crashed: true });
      const onMessage = (message: RunnerMessage) => {
        if (message.kind === 'done' || message.kind === 'failed' || message.kind === 'stopped') finish(message);
        else if (message.kind !== 'ready') onNews(message);
      };
      const onExit = (code: number | null, signal: string | null) => {
        const how = signal ? `was killed by ${signal}` : `ended with code ${code}`;
        const reason = reasonIn(complaint);
        crash(`${how}${reason ? `: ${reason}` : ''}`);
      };
      const onError = (error: Error) => crash(`could not be reached: ${error.message}`);
      child.on('message', onMessage);
      child.on('close', onExit);
      child.on('error', onError);
      child.stderr?.on('data', hear);
      if (child.exitCode !== null || child.signalCode !== null) onExit(child.exitCode, child.signalCode);
      else void ready.then(() => child.connected && child.send({ kind: 'job', job } satisfies ParentMessage, () => {}));
    });
  }
}

/** The line of a crash message that tells the reason; empty when there is none. */
function reasonIn(complaint: string): string {
  const lines = complaint.split('\n').map((line) => line.trim());
  const telling = lines.find((line) => /FATAL ERROR|Error:|what\(\)/.test(line));
  return telling ?? lines.filter((line) => line !== '' && !/^(at |\d+: 0x|Node\.js v)/.test(line)).pop() ?? '';
}
