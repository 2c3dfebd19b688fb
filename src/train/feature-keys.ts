// Names for images: equal pixels have equal names, whatever dataset, seed or trigger they come from.
import { bytesPerImage } from '../core/images.ts';
import type { ImageSource } from '../data/dataset.ts';
import { keyHash } from '../data/feature-file.ts';
import type { TriggeredSource } from './poisoned-set.ts';

const ROWS_PER_READ = 256;

/** Keys of clean sources, which many runs of a process share. */
const known = new WeakMap<ImageSource, Map<number, string>>();

export class RowKeys {
  readonly #clean: Map<number, string>;
  readonly #source: ImageSource;
  /** Of rows that carry a trigger. */
  readonly #own = new Map<number, string>();
  readonly #overlaid = new Set<number>();
  readonly #stamped = new Set<number>();
  readonly #given: ImageSource | TriggeredSource;

  constructor(source: ImageSource | TriggeredSource) {
    this.#given = source;
    this.#source = 'clean' in source ? source.clean : source;
    this.#clean = known.get(this.#source) ?? new Map();
    known.set(this.#source, this.#clean);
    if (!('clean' in source)) return;
    for (const row of source.triggeredRows) {
      const over = source.overlay(row);
      if (over) {
        this.#overlaid.add(row);
        this.#own.set(row, keyHash(`${this.#cleanKey(row)}${keyHash(over)}`));
      } else this.#stamped.add(row);
    }
  }

  /** Whether the graph is to lay a pattern over this row. */
  isOverlaid(row: number): boolean {
    return this.#overlaid.has(row);
  }

  of(row: number): string {
    const own = this.#own.get(row);
    if (own !== undefined) return own;
    if (!this.#stamped.has(row)) return this.#cleanKey(row);
    const key = keyHash(this.#given.read([row]));
    this.#own.set(row, key);
    return key;
  }

  #cleanKey(row: number): string {
    const before = this.#clean.get(row);
    if (before !== undefined) return before;
    const bytes = bytesPerImage(this.#source);
    const first = row - (row % ROWS_PER_READ);
    const rows = Array.from({ length: Math.min(ROWS_PER_READ, this.#source.count - first) }, (_, i) => first + i);
    const pixels = this.#source.read(rows);
    rows.forEach((at, i) => {
      this.#clean.set(at, keyHash(pixels.subarray(i * bytes, (i + 1) * bytes)));
    });
    return this.#clean.get(row) as string;
  }
}
