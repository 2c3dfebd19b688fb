export function measured(document: { runs: { runId: string }[] }): Map<string, string>;
export function sameRuns(one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): number;
