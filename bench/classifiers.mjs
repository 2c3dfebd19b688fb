// The trained classifiers of a store that a script has not looked at yet.
import { existsSync, readFileSync } from 'node:fs';
import { TRAINED_ARTIFACT } from '../dist/runner/twins.js';
import { openStore } from '../dist/store/open.js';

/** Options of the command line that choose classifiers. */
export const CHOICE = {
  store: { type: 'string', default: '.triggerlab' },
  experiment: { type: 'string' },
  match: { type: 'string', default: '' },
  run: { type: 'string', default: '' },
};

/**
 * Finished runs without a defence, with their trained state: [{run, trained}].
 * @param chosen what the command line said: `run` beginnings of ids, `match` part of "model dataset attack"
 * @param out file with a line of JSON for each that was looked at @param keyOf what tells such a line from others
 * @param keyFor the same of a run's id
 */
export async function classifiers(
  { store: location, experiment, match, run: ids },
  out,
  keyOf,
  keyFor,
  pick = (runs) => runs,
) {
  const lines = existsSync(out) ? readFileSync(out, 'utf8').trim().split('\n').filter(Boolean) : [];
  const known = new Set(lines.map((line) => keyOf(JSON.parse(line))));
  const store = await openStore(location, { mode: 'use' });
  const runs = (await store.listRuns(experiment === undefined ? {} : { experiment })).filter(
    ({ runId, status, spec }) =>
      status === 'done' &&
      spec.defense === undefined &&
      !known.has(keyFor(runId)) &&
      ids.split(',').some((id) => runId.startsWith(id)) &&
      `${spec.model} ${JSON.stringify(spec.dataset)} ${spec.attack.type}`.includes(match),
  );
  const found = [];
  for (const run of pick(runs)) found.push({ run, trained: await store.getArtifact(run.runId, TRAINED_ARTIFACT) });
  // Others may want the store while they are looked at.
  await store.close();
  return found;
}
