// How readers of hostile files are tried: each damaged file is read or refused with an error for the user.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect } from 'vitest';
import { TriggerlabError } from '../../src/core/errors.ts';

/** Writes files into a folder of the calling test file, which goes away with it. */
export function inFolder(): (content: Buffer, name: string) => string {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'triggerlab-readers-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  return (content, name) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
}

/** Expects an error for the user. */
export async function refused(work: () => Promise<unknown>, message: RegExp): Promise<void> {
  const fault = await work().then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(fault).toBeInstanceOf(TriggerlabError);
  expect(fault).toMatchObject({ kind: 'input', message: expect.stringMatching(message) });
}

export interface Damage {
  readonly flips: readonly (readonly [number, number])[];
  readonly keep: number | undefined;
  readonly extra: Uint8Array;
}

/** Some bytes changed, cut off or put in. */
export const damages = fc.record({
  flips: fc.array(fc.tuple(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.nat(255)), {
    maxLength: 6,
  }),
  keep: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
  extra: fc.uint8Array({ maxLength: 20 }),
});
export function damaged(file: Buffer, how: Damage): Buffer {
  const copy = Buffer.from(file);
  for (const [share, value] of how.flips) copy[Math.floor(share * copy.length)] = value;
  const kept = how.keep === undefined ? copy : copy.subarray(0, Math.floor(how.keep * copy.length));
  return Buffer.concat([kept, how.extra]);
}

/**
 * Tries 1,000 kinds of damage: `read` gives the rows of files that have it, `bytes` is the length of a row. `variant` is
 * another number each time.
 */
export async function surviveDamage(
  bytes: number,
  read: (how: Damage, variant: number) => Promise<{ readonly rows: readonly Uint8Array[] }>,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(damages, fc.nat(7), async (how, variant) => {
      try {
        expect((await read(how, variant)).rows.every((row) => row.length === bytes)).toBe(true);
      } catch (error) {
        if (!(error instanceof TriggerlabError)) throw error;
        expect(error.kind).toBe('input');
      }
    }),
    { numRuns: 1000 },
  );
}
