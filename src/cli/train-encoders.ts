// What runs need before they can begin: SSBA's encoders, trained here with progress.
import type { RunSpec } from '../spec/run-spec.ts';
import { log } from './output.ts';
import { encoderProgress } from './ssba-progress.ts';

/**
 * Trains the encoders that runs need and that are not there yet.
 * @throws TriggerlabError (failed) when the signal ends it, or a training diverges.
 */
export async function trainEncoders(runs: readonly RunSpec[], threads: number, signal: AbortSignal): Promise<void> {
  if (!runs.some(({ attack }) => attack.type === 'ssba')) return;
  // Loaded here because they bring in the engine, which no other command should wait for.
  const [{ missingEncoders }, { Runtime }, { ensureEncoder }] = await Promise.all([
    import('../runner/encoders.ts'),
    import('../runtime/node.ts'),
    import('../train/ssba/ensure.ts'),
  ]);
  for (const { dataset, choice, title } of await missingEncoders(runs)) {
    log(`SSBA's encoder has to be trained first (${title}); it is kept for all runs that need it`);
    const runtime = new Runtime({ threads });
    try {
      await ensureEncoder(runtime, dataset, { ...choice, ...encoderProgress(), signal });
    } finally {
      await runtime.close();
    }
  }
}
