// What tests of commands hear of them: stdout and stderr of the process that they run in.
import { afterEach, beforeEach, vi } from 'vitest';

/** Keeps what each test of a file writes; nothing of it reaches the terminal. */
export function hearOutput(): { stdout: string; stderr: string } {
  const heard = { stdout: '', stderr: '' };
  beforeEach(() => {
    for (const name of ['stdout', 'stderr'] as const) {
      heard[name] = '';
      vi.spyOn(process[name], 'write').mockImplementation((text) => {
        heard[name] += text;
        return true;
      });
    }
  });
  afterEach(() => vi.restoreAllMocks());
  return heard;
}
