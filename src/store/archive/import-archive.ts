// Takes the runs of an archive into a store: what is new is added, what is there already is compared, nothing is overwritten.
import { failedError } from '../../core/errors.ts';
import { canonicalJson } from '../../core/hash.ts';
import { tarFiles } from '../../core/tar.ts';
import { withoutPaths } from '../../spec/identity.ts';
import { ArtifactFiles } from '../artifact-files.ts';
import type { Database } from '../database.ts';
import { insertDefense } from '../defense-rows.ts';
import type { RunEnvironment, RunMetrics } from '../records.ts';
import { METRIC_COLUMNS, markDone } from '../rows.ts';
import { RunArtifacts } from '../run-artifacts.ts';
import type { Store } from '../store.ts';
import { readRuns } from './export-store.ts';
import { ARTIFACT_FILE, type ArchivedRun, MAX_ARCHIVE_BYTES, MAX_ENTRIES, runSchema } from './format.ts';
import type { StoreArchive } from './read-archive.ts';

export interface Difference {
  readonly runId: string;
  /** Names of what differs: metrics, `epochLosses`, `spec`, `defense`, or an artifact's kind. */
  readonly fields: readonly string[];
}

export interface Imported {
  readonly experiments: number;
  /** Runs that the store did not know. */
  readonly added: number;
  /** Results that the store did not have, of runs it knew and of new ones. */
  readonly results: number;
  /** Results that were there already and are equal to the last bit. */
  readonly same: number;
  /** Results that were there already and differ: the store keeps its own. */
  readonly differing: readonly Difference[];
  /** Files that were added. */
  readonly artifacts: number;
}

/** What two machines may measure differently. */
const TIMES: readonly string[] = ['seconds', 'imagesPerSecond'];

/** Takes in an archive that was read, and found to be sound. Importing it again changes nothing. */
export async function importArchive(store: Store, archive: StoreArchive): Promise<Imported> {
  const known = new Map<string, ArchivedRun>();
  const ids = archive.runs.map(({ runId }) => runId);
  for (let at = 0; at < ids.length; at += 1000) {
    // Through the same schema, so that numbers without a word in JSON compare as numbers.
    for (const run of await readRuns(store, ids.slice(at, at + 1000))) known.set(run.runId, runSchema.parse(run));
  }
  const files = new ArtifactFiles(store.artifactDirectory);
  const wanted = new Set(archive.runs.flatMap((run) => newFiles(run, known.get(run.runId), archive)).map(hashOf));
  const added = await putFiles(files, archive.path, wanted);
  const artifacts = new RunArtifacts(store.database, files, () => {});
  try {
    const counts = await store.database.transaction((tx) => merge(tx, archive, known));
    await store.database.exec('ANALYZE runs, experiment_runs');
    return { ...counts, artifacts: added.length };
  } finally {
    await artifacts.removeUnused(added);
  }
}

const hashOf = ({ sha256 }: ArchivedRun['artifacts'][number]) => sha256;

/** A run's files of kinds that the store lacks, as far as the archive has them: of runs that are new here, and of results. */
function newFiles(run: ArchivedRun, own: ArchivedRun | undefined, archive: StoreArchive): ArchivedRun['artifacts'] {
  if (own && (run.status !== 'done' || differences(own, run).length > 0)) return [];
  const kinds = new Set(own?.artifacts.map(({ kind }) => kind));
  return run.artifacts.filter((file) => archive.artifacts.has(file.sha256) && !kinds.has(file.kind));
}

/** @returns hashes of the files that were not there before. */
async function putFiles(files: ArtifactFiles, path: string, wanted: ReadonlySet<string>): Promise<string[]> {
  const added: string[] = [];
  if (wanted.size === 0) return added;
  for await (const { name, content } of tarFiles(path, MAX_ARCHIVE_BYTES, MAX_ENTRIES)) {
    const [, sha256] = ARTIFACT_FILE.exec(name) ?? [];
    if (sha256 === undefined || !wanted.has(sha256) || typeof (await files.get(sha256)) !== 'string') continue;
    const parts: Uint8Array[] = [];
    for await (const part of content) parts.push(part);
    if ((await files.put(new Uint8Array(Buffer.concat(parts)))) !== sha256) {
      throw failedError(`${path} changed while it was read`, { hint: 'Try again.' });
    }
    added.push(sha256);
  }
  return added;
}

async function merge(
  tx: Database,
  archive: StoreArchive,
  known: ReadonlyMap<string, ArchivedRun>,
): Promise<Omit<Imported, 'artifacts'>> {
  const { experiments, runs } = archive;
  const fresh = runs.filter(({ runId }) => !known.has(runId));
  await tx.query(
    `INSERT INTO runs (run_id, twin_id, keep_weights, spec, status, error, started_at, finished_at, created_at)
     SELECT p.run_id, p.twin_id, p.keep_weights, p.spec, p.status, p.error, p.started_at, p.finished_at, now()
     FROM ROWS FROM (json_to_recordset($1::text::json)
       AS (run_id text, twin_id text, keep_weights text, spec json, status text, error text, started_at timestamptz, finished_at timestamptz))
       WITH ORDINALITY AS p(run_id, twin_id, keep_weights, spec, status, error, started_at, finished_at, position)
     ORDER BY p.position ON CONFLICT DO NOTHING`,
    [
      JSON.stringify(
        fresh.map(({ runId, needs, keepWeights, spec, status, error, startedAt, finishedAt }) => ({
          ...{ run_id: runId, twin_id: needs, keep_weights: keepWeights, spec },
          // A result is recorded below, as any is.
          ...(status === 'done'
            ? { status: 'pending', error: null }
            : { status, error, started_at: startedAt, finished_at: finishedAt }),
        })),
      ),
    ],
  );
  let results = 0;
  let same = 0;
  const differing: Difference[] = [];
  for (const run of runs) {
    const own = known.get(run.runId);
    const fields = own ? differences(own, run) : [];
    if (fields.length > 0) differing.push({ runId: run.runId, fields });
    else if (run.status === 'done' && own?.status === 'done') same++;
    else if (run.status === 'done' && (await record(tx, run))) results++;
    for (const file of newFiles(run, own, archive)) await recordFile(tx, run.runId, file);
  }
  let created = 0;
  for (const experiment of experiments) if (await addExperiment(tx, experiment)) created++;
  return { experiments: created, added: fresh.length, results, same, differing };
}

/** What differs between a run here and there; times, machines and paths of files may. */
function differences(own: ArchivedRun, other: ArchivedRun): string[] {
  const fields: string[] = [];
  const spec = (run: ArchivedRun) => canonicalJson({ ...run.spec, ...withoutPathsOf(run) });
  if (spec(own) !== spec(other) || own.needs !== other.needs) fields.push('spec');
  if (own.status !== 'done' || other.status !== 'done') return fields;
  const value = (run: ArchivedRun, name: string) => run.metrics?.[name] ?? null;
  for (const name of Object.keys(METRIC_COLUMNS)) {
    if (!TIMES.includes(name) && !Object.is(value(own, name), value(other, name))) fields.push(name);
  }
  const [mine, theirs] = [own.epochLosses ?? [], other.epochLosses ?? []];
  if (mine.length !== theirs.length || mine.some((loss, i) => !Object.is(loss, theirs[i]))) fields.push('epochLosses');
  if (canonicalJson(own.defense?.metrics ?? null) !== canonicalJson(other.defense?.metrics ?? null))
    fields.push('defense');
  for (const { kind, sha256 } of other.artifacts) {
    const here = own.artifacts.find((artifact) => artifact.kind === kind);
    if (here && here.sha256 !== sha256) fields.push(kind);
  }
  return fields;
}

/** Paths of datasets, models and pictures are those of the machine that wrote them; ids are made of contents. */
function withoutPathsOf({ spec }: ArchivedRun): object {
  return { dataset: null, model: null, attack: withoutPaths(spec.attack) };
}

async function record(tx: Database, run: ArchivedRun): Promise<boolean> {
  const { runId, metrics, epochLosses, environment, worker, startedAt, finishedAt, defense } = run;
  // The schema of archives has seen that a run that is done has them; names that are no metric are not read.
  const measured = { ...metrics, epochLosses: epochLosses ?? [] } as unknown as RunMetrics;
  if (!(await markDone(tx, runId, measured, environment as unknown as RunEnvironment, worker))) return false;
  await tx.query(
    `UPDATE runs SET started_at = coalesce($2::text::timestamptz, started_at), finished_at = $3::text::timestamptz WHERE run_id = $1`,
    [runId, startedAt, finishedAt],
  );
  // JSON values as the archive's schema lets them through.
  if (defense) await insertDefense(tx, runId, defense as Parameters<typeof insertDefense>[2]);
  return true;
}

async function recordFile(
  tx: Database,
  runId: string,
  { kind, sha256, bytes }: ArchivedRun['artifacts'][number],
): Promise<void> {
  await tx.query(
    `INSERT INTO artifacts (run_id, kind, sha256, bytes, created_at) VALUES ($1, $2, $3, $4::bigint, now())
     ON CONFLICT DO NOTHING`,
    [runId, kind, sha256, bytes],
  );
}

/** Adds an experiment, or to one of this name the runs that it lacks. @returns whether it is new. */
async function addExperiment(tx: Database, experiment: StoreArchive['experiments'][number]): Promise<boolean> {
  const { name, specText, resolved, createdAt, updatedAt, runs } = experiment;
  const created = await tx.query(
    `INSERT INTO experiments (name, spec_text, resolved, created_at, updated_at)
     VALUES ($1, $2, $3::text::json, $4::text::timestamptz, $5::text::timestamptz)
     ON CONFLICT DO NOTHING RETURNING name`,
    [name, specText, JSON.stringify(resolved ?? null), createdAt, updatedAt],
  );
  await tx.query(
    `INSERT INTO experiment_runs (experiment, run_id, position)
     SELECT $1::text, i.run_id,
       i.n::int + (SELECT coalesce(max(e.position), 0) FROM experiment_runs e WHERE e.experiment = $1::text)
     FROM ROWS FROM (json_array_elements_text($2::text::json)) WITH ORDINALITY AS i(run_id, n)
     ON CONFLICT DO NOTHING`,
    [name, JSON.stringify(runs)],
  );
  return created.length > 0;
}
