// Where downloads and files derived from them live: one directory per user, outside every working folder.
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** What the choice depends on; by default this process's own. */
export interface CacheSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly home: string;
}

/**
 * $TRIGGERLAB_CACHE, else the platform's custom: $XDG_CACHE_HOME/triggerlab or ~/.cache/triggerlab,
 * ~/Library/Caches/triggerlab on macOS, %LOCALAPPDATA%\triggerlab on Windows. Absolute; need not exist yet.
 */
export function cacheDirectory(
  { env, platform, home }: CacheSurroundings = { env: process.env, platform: process.platform, home: homedir() },
): string {
  if (env.TRIGGERLAB_CACHE) return resolve(env.TRIGGERLAB_CACHE);
  if (platform === 'darwin') return join(home, 'Library', 'Caches', 'triggerlab');
  if (platform === 'win32') return join(env.LOCALAPPDATA || join(home, 'AppData', 'Local'), 'triggerlab');
  return resolve(env.XDG_CACHE_HOME || join(home, '.cache'), 'triggerlab');
}
