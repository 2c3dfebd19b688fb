// A cache directory of a test's own, inside the one of all tests.
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { templateDirectory } from '../../src/store/template.ts';

/** Makes an empty cache directory but for what new stores begin with, where tests before have made that: it takes seconds. */
export function freshCache(directory: string): string {
  const templates = templateDirectory();
  mkdirSync(directory, { recursive: true });
  if (existsSync(templates)) cpSync(templates, join(directory, basename(templates)), { recursive: true });
  return directory;
}
