// Stopping in good order when a signal comes.
import { log } from './output.ts';

/** A signal that Ctrl-C and the clusters' signals abort; `release` gives them back to the system. */
export function stopOnSignals(what = 'runs in hand write a checkpoint'): {
  readonly signal: AbortSignal;
  readonly release: () => void;
} {
  const controller = new AbortController();
  const signals = ['SIGINT', 'SIGTERM', 'SIGUSR1'] as const;
  const release = () => {
    for (const name of signals) process.off(name, stop);
  };
  const stop = (name: NodeJS.Signals) => {
    if (name === 'SIGINT' && controller.signal.aborted) {
      // Twice: at once. Runner processes end with their parent.
      process.exit(130);
    }
    if (!controller.signal.aborted) log(`stopping: ${what}`);
    controller.abort();
  };
  for (const name of signals) process.on(name, stop);
  return { signal: controller.signal, release };
}
