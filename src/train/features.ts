// What the frozen part of a network makes of the rows of a source: from the store where it is known, computed and kept where not.
import { messageOf } from '../core/errors.ts';
import { type Tensor, tensor } from '../core/tensor.ts';
import type { ImageSource } from '../data/dataset.ts';
import { keyHash } from '../data/feature-file.ts';
import type { FeatureStore, FeatureTable } from '../data/feature-store.ts';
import { engineVersion, type Runtime } from '../runtime/node.ts';
import { RowKeys } from './feature-keys.ts';
import { evaluationBatch, imageFeeds } from './feeds.ts';
import { type FrozenPart, frozenPart } from './frozen-part.ts';
import type { Network } from './network.ts';
import type { TriggeredSource } from './poisoned-set.ts';

export interface Features {
  readonly part: FrozenPart;
  /** The graph input `features` for rows of the source: float32 [rows, width], valid until the next call. */
  read(rows: ArrayLike<number>): Promise<Tensor>;
}

/** Raised when features are computed in another way that their names do not show. */
const FORMAT = 1;
/** Bytes of features that are computed before they are written. */
const CHUNK_BYTES = 16e6;

/**
 * Features of rows of a source, ready to be read; undefined where the network has no store, no frozen part worth keeping, or
 * there is no room. `onProgress` is told how many of the rows that were missing are there.
 */
export async function cachedFeatures(
  runtime: Runtime,
  network: Network,
  mode: 'train' | 'evaluate',
  source: ImageSource | TriggeredSource,
  rows: ArrayLike<number>,
  onProgress: (done: number, of: number) => void = () => {},
): Promise<Features | undefined> {
  const store = network.features;
  if (!store || store.limit === 0) return undefined;
  const part = frozenPart(network, mode);
  if (!part) return undefined;
  const { overlay } = network.preprocessing;
  // Where nothing lies over an image, the graph without overlays computes the same for all triggers alike.
  const clean = overlay ? { ...network, preprocessing: { ...network.preprocessing, overlay: undefined } } : network;
  const plain = new Kept(runtime, clean, overlay ? (frozenPart(clean, mode) as FrozenPart) : part, store, source);
  const overlaid = overlay ? new Kept(runtime, network, part, store, source) : undefined;
  const keys = new RowKeys(source);
  const holderOf = (row: number) => (overlaid && keys.isOverlaid(row) ? overlaid : plain);
  const wanted = (overlaid ? [plain, overlaid] : [plain]).map((holder) => {
    const own = Array.from(rows).filter((row) => holderOf(row) === holder);
    // One row for every key: equal images have equal features.
    return { holder, rowsByKey: new Map(own.map((row) => [keys.of(row), row])) };
  });
  let of = 0;
  for (const { holder, rowsByKey } of wanted) of += await holder.missing(rowsByKey);
  let done = 0;
  for (const { holder, rowsByKey } of wanted) {
    const before = done;
    const kept = await holder.ensure(rowsByKey, (rows) => {
      done = before + rows;
      onProgress(done, of);
    });
    if (!kept) return undefined;
  }
  // Memory that is new for every batch has to be filled with zeros first, and collected.
  let memory = new Float32Array();
  return {
    part,
    async read(wanted) {
      const size = wanted.length * part.width;
      if (memory.length < size) memory = new Float32Array(size);
      const data = memory.subarray(0, size);
      for (let i = 0; i < wanted.length; i++) {
        const row = wanted[i];
        const out = data.subarray(i * part.width, (i + 1) * part.width);
        // What was deleted or damaged since is computed again.
        if (!holderOf(row).read(keys.of(row), out)) out.set(await holderOf(row).compute([row]));
      }
      return tensor('float32', [wanted.length, part.width], data);
    },
  };
}

/** Rows of a source by one frozen part, and where they are kept. */
class Kept {
  readonly #runtime: Runtime;
  readonly #network: Network;
  readonly #part: FrozenPart;
  readonly #store: FeatureStore;
  readonly #table: FeatureTable;
  readonly #source: ImageSource | TriggeredSource;

  constructor(
    runtime: Runtime,
    network: Network,
    part: FrozenPart,
    store: FeatureStore,
    source: ImageSource | TriggeredSource,
  ) {
    this.#runtime = runtime;
    this.#network = network;
    this.#part = part;
    this.#store = store;
    this.#source = source;
    const name = keyHash([FORMAT, engineVersion, store.circumstances, part.fingerprint].join('\n'), 'hex');
    const { boundary, width } = part;
    const { inputSize } = network.preprocessing;
    this.#table = store.table(name, { model: network.model.name, inputSize, boundary, width });
  }

  /** How many rows are not kept yet; `wanted` holds one row for each key. */
  async missing(wanted: ReadonlyMap<string, number>): Promise<number> {
    if (wanted.size > 0) await this.#table.refresh();
    return [...wanted.keys()].filter((key) => !this.#table.has(key)).length;
  }

  /** Sees to it that rows are kept. False when they cannot be. */
  async ensure(wanted: ReadonlyMap<string, number>, onProgress: (done: number) => void): Promise<boolean> {
    const missing = () => [...wanted].filter(([key]) => !this.#table.has(key));
    const all = missing();
    const rowBytes = 4 * this.#part.width;
    if (all.length > 0) {
      if (!this.#store.hasRoom(rowBytes * all.length) || !(await this.#independent(all.map(([, row]) => row))))
        return false;
    }
    const batch = evaluationBatch(this.#network.preprocessing.inputSize);
    const chunk = Math.max(batch, Math.floor(CHUNK_BYTES / rowBytes));
    for (let rest = all; rest.length > 0; rest = missing()) {
      // Other processes may be at the same rows: each begins at another place and sees what the others have done.
      const start = (process.pid % Math.ceil(rest.length / chunk)) * chunk;
      const now = rest.slice(start, start + chunk);
      const data = new Float32Array(now.length * this.#part.width);
      for (let at = 0; at < now.length; at += batch) {
        const rows = now.slice(at, at + batch).map(([, row]) => row);
        data.set(await this.compute(rows), at * this.#part.width);
        onProgress(all.length - rest.length + at + rows.length);
      }
      try {
        await this.#table.add({ keys: now.map(([key]) => key), data });
      } catch (error) {
        this.#store.warn(`features are not kept: ${messageOf(error)}`);
        return false;
      }
      await this.#table.refresh();
    }
    this.#table.touch(wanted.keys());
    return true;
  }

  /** Copies the features of a row that is kept; false when it no longer is. */
  read(key: string, out: Float32Array): boolean {
    return this.#table.read(key, out);
  }

  async compute(rows: readonly number[]): Promise<Float32Array> {
    const session = await this.#runtime.open(this.#part.graph);
    const feeds = imageFeeds(this.#source, rows, this.#network.preprocessing);
    return (await session.run(feeds)).features.data as Float32Array;
  }

  /** Whether an image has the same features alone and among others, as all of this takes for granted. */
  async #independent(rows: readonly number[]): Promise<boolean> {
    const few = rows.slice(0, 4);
    const [together, alone] = [await this.compute(few), await this.compute(few.slice(-1))];
    const last = together.subarray(-this.#part.width);
    const same = alone.every((value, i) => Object.is(value, last[i]));
    if (!same) {
      this.#store.warn(
        `features of ${this.#network.model.name} are not kept: here they depend on the batch they are computed in`,
      );
    }
    return same;
  }
}
