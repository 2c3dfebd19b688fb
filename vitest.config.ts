import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.ts';

/** Folders whose unit tests leave nothing behind in their process: one process runs many of their files and loads what they import once. */
const SHARED = ['src/{analysis,core,defenses,explain,graph,metrics,report,spec,triggers}/**/*.test.ts'];

const common = {
  globalSetup: ['test/support/own-cache.ts'],
  testTimeout: 180_000,
  hookTimeout: 300_000,
};

export default defineConfig({
  test: {
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          ...common,
          name: 'alone',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: [...SHARED, 'test/slow/**', 'node_modules/**'],
        },
      },
      { test: { ...common, name: 'shared', include: SHARED, isolate: false } },
    ],
  },
});
