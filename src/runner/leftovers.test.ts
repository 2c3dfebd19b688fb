// What killed processes leave beside a store, and what of it goes.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { makerMark } from '../core/maker.ts';
import type { Store } from '../store/store.ts';
import { checkpointPath, removeLeftovers } from './leftovers.ts';

const artifactDirectory = mkdtempSync(join(tmpdir(), 'leftovers-'));
afterEach(() => rmSync(artifactDirectory, { recursive: true }));

it('half-written files of dead processes and checkpoints of ended runs go, all else stays', async () => {
  const store = {
    artifactDirectory,
    database: {
      query: async (_: string, [ids]: string[]) =>
        (JSON.parse(ids) as string[]).filter((id) => id === 'ended').map((run_id) => ({ run_id })),
    },
  } as unknown as Store;
  const mine = makerMark();
  // No process has this number: it is above the kernel's highest.
  const dead = mine.replace(/-\d+-/, '-9999999999-');
  const expected = new Map<string, boolean>();
  const put = (path: string, stays: boolean) => {
    writeFileSync(path, 'x');
    expected.set(path, stays);
  };
  for (const name of ['ab', 'checkpoints']) {
    mkdirSync(join(artifactDirectory, name));
    put(join(artifactDirectory, name, `.${dead}.tmp`), false);
    put(join(artifactDirectory, name, `.${mine}.tmp`), true);
  }
  put(join(artifactDirectory, 'ab', 'cdef'), true);
  put(checkpointPath(store, 'ended'), false);
  put(checkpointPath(store, 'waiting'), true);
  await removeLeftovers(store);
  expect(new Map([...expected.keys()].map((path) => [path, existsSync(path)]))).toEqual(expected);
});
