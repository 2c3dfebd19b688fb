// Reads an archive that may come from anybody: everything is checked and counted before any of it is taken into a store.
import { createHash } from 'node:crypto';
import type { z } from 'zod';
import { inputError } from '../../core/errors.ts';
import { formatBytes } from '../../core/format.ts';
import { type TarFile, tarFiles } from '../../core/tar.ts';
import {
  ARCHIVE_VERSION,
  ARTIFACT_FILE,
  type ArchivedExperiment,
  type ArchivedRun,
  type ArchiveManifest,
  EXPERIMENTS_FILE,
  experimentsSchema,
  MANIFEST_FILE,
  MAX_ARCHIVE_BYTES,
  MAX_ARTIFACT_BYTES,
  MAX_ENTRIES,
  MAX_JSON_BYTES,
  manifestSchema,
  RUNS_FILE,
  runSchema,
} from './format.ts';

export interface StoreArchive {
  readonly path: string;
  readonly manifest: ArchiveManifest;
  readonly experiments: readonly ArchivedExperiment[];
  readonly runs: readonly ArchivedRun[];
  /** Hashes of the files that are in it, each found to be right. */
  readonly artifacts: ReadonlySet<string>;
}

const FIRST_HINT = 'Archives are made by triggerlab store export and triggerlab shard.';

/**
 * @throws TriggerlabError (input) for a file that is no archive of ours, is damaged or cut short, was written by a newer program, holds more
 * than the bounds allow, or contradicts itself.
 */
export async function readArchive(path: string): Promise<StoreArchive> {
  let manifest: ArchiveManifest | undefined;
  let experiments: readonly ArchivedExperiment[] | undefined;
  const runs = new Map<string, ArchivedRun>();
  const artifacts = new Set<string>();
  let json = 0;
  for await (const file of tarFiles(path, MAX_ARCHIVE_BYTES, MAX_ENTRIES)) {
    const [, sha256] = ARTIFACT_FILE.exec(file.name) ?? [];
    if (manifest === undefined && file.name !== MANIFEST_FILE) {
      throw inputError(`${path} is no archive of a store: it begins with ${JSON.stringify(file.name.slice(0, 100))}`, {
        hint: FIRST_HINT,
      });
    }
    if (sha256 !== undefined) {
      artifacts.add(await checkedHash(path, file, sha256));
      continue;
    }
    json += file.bytes;
    if (json > 4 * MAX_JSON_BYTES) throw inputError(`${path} holds more rows than are read`, { hint: FIRST_HINT });
    const text = await textOf(path, file);
    if (file.name === MANIFEST_FILE) manifest = readManifest(path, text);
    else if (file.name === EXPERIMENTS_FILE)
      experiments = checked(experimentsSchema, parsed(path, file.name, text), `${path}: ${file.name}`);
    else if (RUNS_FILE.test(file.name)) {
      for (const [i, line] of text.split('\n').entries()) {
        if (line === '') continue;
        const at = `${file.name}:${i + 1}`;
        const run = checked(runSchema, parsed(path, at, line), `${path}: ${at}`);
        if (runs.has(run.runId)) throw inputError(`${path}: ${at}: run ${run.runId} is there twice`);
        runs.set(run.runId, run);
      }
    } else
      throw inputError(`${path}: unexpected file ${JSON.stringify(file.name.slice(0, 100))}`, { hint: FIRST_HINT });
  }
  if (!manifest || !experiments) throw inputError(`${path} is no complete archive of a store`, { hint: FIRST_HINT });
  checkWhole(path, manifest, experiments, runs);
  return { path, manifest, experiments, runs: [...runs.values()], artifacts };
}

function readManifest(path: string, text: string): ArchiveManifest {
  const manifest = checked(manifestSchema, parsed(path, MANIFEST_FILE, text), `${path}: ${MANIFEST_FILE}`);
  if (manifest.version <= ARCHIVE_VERSION) return manifest;
  throw inputError(`${path} has format version ${manifest.version}; this program knows up to ${ARCHIVE_VERSION}`, {
    hint: `It was written by triggerlab ${manifest.triggerlab.slice(0, 40)}: update this one.`,
  });
}

function checkWhole(
  path: string,
  manifest: ArchiveManifest,
  experiments: readonly ArchivedExperiment[],
  runs: ReadonlyMap<string, ArchivedRun>,
): void {
  const fail = (message: string) =>
    inputError(`${path}: ${message}`, { hint: 'It is damaged or cut short: export it again.' });
  if (runs.size !== manifest.runs) throw fail(`${runs.size} runs, expected ${manifest.runs}`);
  for (const { runId, needs } of runs.values()) {
    if (needs !== null && !runs.has(needs)) throw fail(`run ${runId} needs ${needs}, which is not there`);
    if (needs === runId) throw fail(`run ${runId} needs itself`);
  }
  for (const { name, runs: ids } of experiments) {
    const unknown = ids.find((id) => !runs.has(id));
    if (unknown !== undefined) throw fail(`experiment ${name} has run ${unknown}, which is not there`);
    if (new Set(ids).size !== ids.length) throw fail(`experiment ${name} has a run twice`);
  }
  if (new Set(experiments.map(({ name }) => name)).size !== experiments.length)
    throw fail('an experiment is there twice');
}

async function textOf(path: string, { name, bytes, content }: TarFile): Promise<string> {
  if (bytes > MAX_JSON_BYTES) {
    throw inputError(`${path}: ${name} has ${formatBytes(bytes)}, at most ${formatBytes(MAX_JSON_BYTES)} are read`);
  }
  const parts: Uint8Array[] = [];
  for await (const part of content) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}

async function checkedHash(path: string, { bytes, content }: TarFile, sha256: string): Promise<string> {
  if (bytes > MAX_ARTIFACT_BYTES) {
    throw inputError(`${path}: a file of ${formatBytes(bytes)}, at most ${formatBytes(MAX_ARTIFACT_BYTES)} are read`);
  }
  const hash = createHash('sha256');
  for await (const part of content) hash.update(part);
  if (hash.digest('hex') === sha256) return sha256;
  throw inputError(`${path}: artifacts/${sha256} has another content than its name says`, {
    hint: 'It is damaged or was tampered with: export it again.',
  });
}

/** Deeper than anything that is written, and far from what the stack holds. */
const MAX_DEPTH = 64;

function parsed(path: string, at: string, text: string): unknown {
  if (depthOf(text) > MAX_DEPTH) throw inputError(`${path}: ${at} is nested too deeply`, { hint: FIRST_HINT });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw inputError(`${path}: ${at} is no JSON`, { hint: 'It is damaged or cut short: export it again.', cause });
  }
  const plain = JSON.stringify(value);
  // A member that would change what an object is where it is copied.
  if (plain.includes('"__proto__":')) throw inputError(`${path}: ${at} has a member "__proto__"`, { hint: FIRST_HINT });
  // What databases refuse in text: NUL, and halves of surrogate pairs, which JSON.stringify alone writes as escapes.
  if (/\\u(0000|d[89a-f])/.test(plain)) {
    throw inputError(`${path}: ${at} holds characters that no text has`, { hint: FIRST_HINT });
  }
  return value;
}

/** The deepest nesting of brackets outside strings. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (quoted) {
      if (character === '\\') i++;
      else if (character === '"') quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === '[' || character === '{') deepest = Math.max(deepest, ++depth);
    else if (character === ']' || character === '}') depth--;
  }
  return deepest;
}

function checked<T>(schema: z.ZodType<T>, value: unknown, at: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0];
  throw inputError(`${at}: ${path.map(String).join('.') || 'all of it'}: ${message}`, { hint: FIRST_HINT });
}
