import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { cacheDirectory } from './cache-directory.ts';

const at = (platform: NodeJS.Platform, env: Record<string, string> = {}) =>
  cacheDirectory({ env, platform, home: '/home/ann' });

test('TRIGGERLAB_CACHE comes first, made absolute', () => {
  expect(at('linux', { TRIGGERLAB_CACHE: '/data/cache', XDG_CACHE_HOME: '/x' })).toBe(resolve('/data/cache'));
  expect(at('darwin', { TRIGGERLAB_CACHE: 'here' })).toBe(resolve('here'));
});

test('each platform has its custom', () => {
  expect(at('linux')).toBe(join('/home/ann', '.cache', 'triggerlab'));
  expect(at('linux', { XDG_CACHE_HOME: '/x', TRIGGERLAB_CACHE: '' })).toBe(join('/x', 'triggerlab'));
  expect(at('darwin')).toBe(join('/home/ann', 'Library', 'Caches', 'triggerlab'));
  expect(at('win32', { LOCALAPPDATA: 'L' })).toBe(join('L', 'triggerlab'));
  expect(at('win32')).toBe(join('/home/ann', 'AppData', 'Local', 'triggerlab'));
});
