// One table per kind of thing (model, dataset, trigger, …): looked up by name, with "did you mean".
import { inputError } from './errors.ts';
import { didYouMean } from './suggest.ts';

export interface Registry<T extends { readonly name: string }> {
  readonly kind: string;
  readonly all: readonly T[];
  readonly names: readonly string[];
  has(name: string): boolean;
  /** @throws TriggerlabError (input) for an unknown name. */
  get(name: string): T;
}

/** A registry of `entries`; `kind` is the singular word used in messages. */
export function registry<T extends { readonly name: string }>(kind: string, entries: readonly T[]): Registry<T> {
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  const names = [...byName.keys()];
  return {
    kind,
    all: entries,
    names,
    has: (name) => byName.has(name),
    get(name) {
      const entry = byName.get(name);
      if (!entry) throw inputError(`unknown ${kind} "${name}"`, { hint: didYouMean(name, names) });
      return entry;
    },
  };
}
