// What must repeat of the runs that `results --json` and `run --json` print.

/** What may differ between two sweeps. */
const TIMES = ['seconds', 'imagesPerSecond', 'startedAt', 'finishedAt', 'environment'];

/** By run id, all of a run but times and machine, as text. */
export function measured({ runs }) {
  const withoutTimes = (run) => Object.fromEntries(Object.entries(run).filter(([name]) => !TIMES.includes(name)));
  return new Map(runs.map((run) => [run.runId, JSON.stringify(withoutTimes(run))]));
}

/** How many runs of one sweep the other has as well, the same to the last bit. */
export function sameRuns(one, other) {
  return [...one].filter(([id, run]) => other.get(id) === run).length;
}
