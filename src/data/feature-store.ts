// Features on disk, shared by runs and processes: a folder per frozen part of a network, in it files of rows that only ever
// appear whole and never change. Bounded: the files unused for longest go first.
import { randomUUID } from 'node:crypto';
import { closeSync, openSync, readdirSync, rmSync, type Stats, statfsSync, statSync, utimesSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../core/errors.ts';
import { makeDirectory, writeFileAtomic } from '../core/files.ts';
import { FeatureFile, type FeatureRows, featureFileBytes, writeFeatureFile } from './feature-file.ts';

export interface FeatureStoreOptions {
  /** Made when it is needed. */
  readonly directory: string;
  /** Bytes that all features together may take on disk; 0: nothing is kept. */
  readonly limit: number;
  /** What else decides the bits of a feature: part of the folders' names. */
  readonly circumstances?: string;
  /** Bytes of features that this process may hold in memory. Default 256 MB. */
  readonly memory?: number;
  /** Takes word of damaged files and of a disk that is full. Default: a warning of the process. */
  readonly warn?: (message: string) => void;
}

/** What a folder holds, for people. */
export interface FeatureDescription {
  readonly model: string;
  readonly inputSize: number;
  readonly boundary: string;
  readonly width: number;
}

export interface StoredFile {
  readonly path: string;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly used: number;
}

const EXTENSION = '.features';
export const DESCRIPTION_FILE = 'about.json';
/** Left free on the disk, in bytes. */
const RESERVE = 1e9;
const ABANDONED_AFTER_MS = 3_600_000;
const OPEN_FILES = 64;

export class FeatureStore {
  readonly directory: string;
  readonly limit: number;
  readonly circumstances: string;
  readonly warn: (message: string) => void;
  #memory: number;
  readonly #tables = new Map<string, FeatureTable>();
  readonly #open = new Map<string, number>();

  constructor({ directory, limit, circumstances = '', memory = 256e6, warn }: FeatureStoreOptions) {
    this.directory = directory;
    this.limit = limit;
    this.circumstances = circumstances;
    this.warn = warn ?? ((message) => process.emitWarning(message));
    this.#memory = memory;
  }

  /** The rows under a name, as they are known to this process. */
  table(name: string, description: FeatureDescription): FeatureTable {
    const known = this.#tables.get(name) ?? new FeatureTable(this, join(this.directory, name), description);
    this.#tables.set(name, known);
    return known;
  }

  /** Whether so many bytes may be written, once what is unused has gone. */
  hasRoom(bytes: number): boolean {
    if (bytes > this.limit) return false;
    try {
      makeDirectory(this.directory);
      const { bavail, bsize } = statfsSync(this.directory);
      return (
        bytes + RESERVE < bavail * bsize + storedFeatures(this.directory).reduce((sum, file) => sum + file.bytes, 0)
      );
    } catch {
      return false;
    }
  }

  /** Deletes what was unused for longest until so many bytes fit. @throws Error when they do not. */
  async makeRoom(bytes: number): Promise<void> {
    makeDirectory(this.directory);
    const files = storedFeatures(this.directory).sort((a, b) => a.used - b.used);
    const { bavail, bsize } = statfsSync(this.directory);
    let free = Math.min(this.limit - files.reduce((sum, file) => sum + file.bytes, 0), bavail * bsize - RESERVE);
    for (const file of files) {
      if (free >= bytes) return;
      await rm(file.path, { force: true });
      free += file.bytes;
    }
    if (free < bytes) throw new Error(`there is no room for ${bytes} bytes more`);
  }

  /** Whether so many bytes more may be held in memory; they are then taken to be. */
  takeMemory(bytes: number): boolean {
    if (bytes > this.#memory) return false;
    this.#memory -= bytes;
    return true;
  }

  releaseMemory(bytes: number): void {
    this.#memory += bytes;
  }

  /** A descriptor of a file, kept open for the next rows. */
  descriptor(path: string): number {
    const known = this.#open.get(path);
    if (known !== undefined) return known;
    const opened = openSync(path, 'r');
    this.#open.set(path, opened);
    for (const [oldest, file] of this.#open) {
      if (this.#open.size <= OPEN_FILES) break;
      this.#open.delete(oldest);
      closeSync(file);
    }
    return opened;
  }

  forget(path: string): void {
    const file = this.#open.get(path);
    if (file !== undefined) closeSync(file);
    this.#open.delete(path);
  }
}

/** Rows of one width in one folder. */
export class FeatureTable {
  readonly directory: string;
  readonly #store: FeatureStore;
  readonly #description: FeatureDescription;
  readonly #files = new Map<string, FeatureFile>();
  readonly #places = new Map<string, { readonly file: FeatureFile; readonly row: number }>();

  constructor(store: FeatureStore, directory: string, description: FeatureDescription) {
    this.#store = store;
    this.directory = directory;
    this.#description = description;
  }

  /** Takes note of files that other processes have written or deleted since. */
  async refresh(): Promise<void> {
    const present = new Set(filesIn(this.directory, EXTENSION));
    for (const [path, file] of this.#files) if (!present.has(path)) this.#drop(file);
    for (const path of present) if (!this.#files.has(path)) this.#take(path);
    for (const path of filesIn(this.directory, '.tmp')) {
      const { mtimeMs } = statOf(path) ?? { mtimeMs: Date.now() };
      if (Date.now() - mtimeMs > ABANDONED_AFTER_MS) await rm(path, { force: true });
    }
  }

  has(key: string): boolean {
    return this.#places.has(key);
  }

  /** Marks the files of these rows as in use: what is used least goes first. */
  touch(keys: Iterable<string>): void {
    const now = new Date();
    const files = new Set<FeatureFile>();
    for (const key of keys) {
      const place = this.#places.get(key);
      if (place) files.add(place.file);
    }
    for (const { path } of files) {
      try {
        utimesSync(path, now, now);
      } catch {
        // Deleted meanwhile, or not ours to touch.
      }
    }
  }

  /** Copies a row into `out`; false when it is not there, or is damaged: its file then goes. */
  read(key: string, out: Float32Array): boolean {
    const place = this.#places.get(key);
    if (!place) return false;
    const { file, row } = place;
    try {
      if (!file.isLoaded && this.#store.takeMemory(file.bytes)) {
        try {
          file.load();
        } catch (error) {
          this.#store.releaseMemory(file.bytes);
          throw error;
        }
      }
      file.read(row, out, () => this.#store.descriptor(file.path));
      return true;
    } catch (error) {
      this.#discard(file.path, error);
      this.#drop(file);
      return false;
    }
  }

  /** Keeps rows. @throws Error when there is no room, or they cannot be written. */
  async add(rows: FeatureRows): Promise<void> {
    await this.#store.makeRoom(featureFileBytes(rows.keys.length, this.#description.width));
    const about = join(this.directory, DESCRIPTION_FILE);
    if (!statOf(about)) await writeFileAtomic(about, `${JSON.stringify(this.#description, null, 2)}\n`);
    const path = join(this.directory, `${randomUUID()}${EXTENSION}`);
    await writeFeatureFile(path, rows, this.#description.width);
    this.#take(path);
  }

  #take(path: string): void {
    try {
      const file = new FeatureFile(path, this.#description.width);
      this.#files.set(path, file);
      file.keys.forEach((key, row) => {
        if (!this.#places.has(key)) this.#places.set(key, { file, row });
      });
    } catch (error) {
      this.#discard(path, error);
    }
  }

  #discard(path: string, error: unknown): void {
    this.#store.forget(path);
    // Another process may have made room.
    if (!statOf(path)) return;
    this.#store.warn(`cached features in ${path} are damaged (${messageOf(error)}): they are computed again`);
    rmSync(path, { force: true });
  }

  #drop(file: FeatureFile): void {
    this.#files.delete(file.path);
    this.#store.forget(file.path);
    if (file.isLoaded) this.#store.releaseMemory(file.bytes);
    for (const key of file.keys) if (this.#places.get(key)?.file === file) this.#places.delete(key);
  }
}

/** Every file of features under a store's directory. */
export function storedFeatures(directory: string): StoredFile[] {
  return foldersIn(directory).flatMap(filesOfFolder);
}

/** The files of features in one folder. */
export function filesOfFolder(folder: string): StoredFile[] {
  return filesIn(folder, EXTENSION).flatMap((path) => {
    const found = statOf(path);
    return found ? [{ path, bytes: found.size, used: found.mtimeMs }] : [];
  });
}

/** Paths of the folders of a store's directory. */
export function foldersIn(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => join(directory, name));
  } catch {
    return [];
  }
}

function filesIn(directory: string, extension: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => name.endsWith(extension))
      .map((name) => join(directory, name));
  } catch {
    return [];
  }
}

function statOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}
