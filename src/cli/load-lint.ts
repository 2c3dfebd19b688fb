// A spec that was read → what lint finds in it, with progress.
import { loadDataset } from '../data/loaded.ts';
import type { LintResult } from '../lint/lint.ts';
import type { Runtime } from '../runtime/node.ts';
import type { LoadedSpec } from './load-plan.ts';
import { Progress } from './progress.ts';

/** What is shorter than this needs no progress line. */
const QUIET_MS = 1500;

/** Lints; `then` goes on with what was found, in the same runtime. */
export async function lintSpec<T = undefined>(
  loaded: LoadedSpec,
  then?: (result: LintResult, runtime: Runtime) => Promise<T>,
): Promise<{ readonly result: LintResult; readonly more: T | undefined }> {
  // Loaded here because they bring in the engine, which a faulty spec should not wait for.
  const [{ lintExperiment }, { Runtime }] = await Promise.all([
    import('../lint/lint.ts'),
    import('../runtime/node.ts'),
  ]);
  const runtime = new Runtime({ threads: 1 });
  const progress = new Progress();
  const started = performance.now();
  try {
    const result = await lintExperiment({
      ...loaded,
      runtime,
      load: loadDataset,
      onProgress(text, share) {
        if (performance.now() - started > QUIET_MS) progress.update(share, `lint: ${text}`);
      },
    });
    return { result, more: await then?.(result, runtime) };
  } finally {
    progress.end();
    await runtime.close();
  }
}
