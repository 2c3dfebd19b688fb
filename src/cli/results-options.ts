// How `results` and `results rm` say which store and which runs they mean.
import type { Command } from 'commander';
import { DEFAULT_STORE } from '../store/open.ts';
import type { RunRecord } from '../store/records.ts';
import type { Selection } from '../store/selection.ts';
import type { Store } from '../store/store.ts';
import { parseConditions } from '../store/where.ts';

export interface SelectionOptions {
  readonly store: string;
  readonly where: string[];
}

/** Adds `--store` and the repeatable `--where`. */
export function withSelection(command: Command): Command {
  return command
    .option('--store <dir|url>', 'directory or postgres:// URL of the store', DEFAULT_STORE)
    .option(
      '--where <field=value,…>',
      'only runs with these values (repeatable), such as model=resnet-mini,seed=1,2 or poisonRate=0.5%',
      (text: string, before: string[]) => [...before, text],
      [],
    );
}

/**
 * The runs that are meant.
 * @throws TriggerlabError (input) for an unknown experiment, or a field that none of its runs has.
 */
export async function selectionOf(
  store: Store,
  experiment: string | undefined,
  where: readonly string[],
): Promise<Selection> {
  const conditions = where.flatMap(parseConditions);
  return (await store.select(experiment)).where(conditions, '--where');
}

/** The same, loaded. */
export async function selectRuns(
  store: Store,
  experiment: string | undefined,
  where: readonly string[],
): Promise<RunRecord[]> {
  return (await selectionOf(store, experiment, where)).runs();
}
