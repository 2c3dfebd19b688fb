// Opens a store by its location: a directory (embedded) or postgres://… (a server).
import { resolve } from 'node:path';
import { inputError } from '../core/errors.ts';
import { ArtifactFiles } from './artifact-files.ts';
import type { OpenMode } from './embedded.ts';
import { migrate } from './migrations.ts';
import type { Patience } from './persistent.ts';
import { Store } from './store.ts';

/** Where results go unless said otherwise, below the working folder. */
export const DEFAULT_STORE = '.triggerlab';

export interface OpenOptions {
  /** `own` for a run, which creates the store and holds it; `use` for everything else. */
  readonly mode: OpenMode;
  /** Told about damage that was found and worked around; a process warning unless given. */
  readonly warn?: (message: string) => void;
  /** How long to wait for other commands to be done with an embedded store. Default 60 s. */
  readonly waitMs?: number;
  /** How an owner lets others in; see EmbeddedOptions. */
  readonly socket?: 'file' | 'tcp';
  /** Directory of artifact files for a store on a server; $TRIGGERLAB_ARTIFACTS or `.triggerlab/artifacts` unless given. */
  readonly artifacts?: string;
  /** Wait for a server that goes away. Only for work whose statements can be repeated. */
  readonly patience?: Patience;
}

/**
 * Opens the store at a directory or postgres:// URL.
 * @throws TriggerlabError (input) for a location that is neither, that holds no store (mode `use`), that another run
 * holds (mode `own`), or whose tables are newer than this program; (failed) when the database cannot be reached.
 */
export async function openStore(location: string, options: OpenOptions): Promise<Store> {
  const warn = options.warn ?? ((message: string) => process.emitWarning(message));
  if (/^postgres(ql)?:\/\//i.test(location)) return openServer(location, options, warn);
  if (location.trim() === '' || /^[a-z][a-z0-9+.-]+:\/\//i.test(location)) {
    throw inputError(`"${location.replace(/\/\/.*@/, '//…@')}" is neither a directory nor a postgres:// URL`, {
      hint: 'For example --store results/ or --store postgres://user@host/database',
    });
  }
  // Each kind of database is loaded when it is wanted: commands that open no store do not wait for either.
  const { openEmbedded } = await import('./embedded.ts');
  const { db, owner, close } = await openEmbedded(location, options);
  const store = new Store({
    db,
    artifacts: new ArtifactFiles(resolve(location, 'artifacts')),
    location,
    warn,
    close,
  });
  // Whoever holds the lock knows that nobody else works on this store.
  if (owner) await store.forgetWorkers();
  return store;
}

async function openServer(
  url: string,
  { artifacts, patience }: OpenOptions,
  warn: (message: string) => void,
): Promise<Store> {
  let location: string;
  try {
    const parsed = new URL(url);
    location = `${parsed.protocol}//${parsed.host}${parsed.pathname}`;
  } catch {
    throw inputError('the postgres:// URL of the store cannot be read', {
      hint: 'For example postgres://user:password@host:5432/database (special characters as %XX).',
    });
  }
  const { connectPostgres } = await import('./postgres.ts');
  const { persistent } = await import('./persistent.ts');
  const db = await connectPostgres({ connectionString: url, application_name: 'triggerlab' }, location);
  try {
    await migrate(db, location);
  } catch (error) {
    await db.close();
    throw error;
  }
  return new Store({
    db: patience ? persistent(db, patience) : db,
    artifacts: new ArtifactFiles(artifacts ?? process.env.TRIGGERLAB_ARTIFACTS ?? resolve(DEFAULT_STORE, 'artifacts')),
    artifactsElsewhere: true,
    location,
    warn,
    close: () => db.close(),
  });
}
