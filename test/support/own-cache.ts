// Tests have a cache directory of their own, which goes away with them: they neither see nor leave anything in the user's.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Runs before the test processes are started; they and the programs they start inherit the variable. */
export default function setup(): () => void {
  const directory = mkdtempSync(join(tmpdir(), 'triggerlab-cache-'));
  process.env.TRIGGERLAB_CACHE = directory;
  return () => rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
}
