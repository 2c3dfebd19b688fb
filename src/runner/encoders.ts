// SSBA's encoders: work that an experiment's runs share, done before the first of them.
import { existsSync } from 'node:fs';
import { canonicalJson } from '../core/hash.ts';
import { datasetLabel } from '../core/references.ts';
import type { DatasetDefinition } from '../data/dataset.ts';
import { findDataset } from '../data/references.ts';
import type { RunSpec } from '../spec/run-spec.ts';
import { encoderPath } from '../triggers/ssba/encoder-files.ts';
import { type EncoderChoice, encoderKey, settingsFor } from '../triggers/ssba/settings.ts';
import { encoderChoice, type SsbaParameters, ssba } from '../triggers/ssba.ts';

export interface NeededEncoder {
  readonly key: string;
  readonly dataset: DatasetDefinition;
  readonly choice: EncoderChoice;
  /** For people: `20 bits in cifar10, schedule fast`. */
  readonly title: string;
  /** How many of the runs need it. */
  readonly runs: number;
  /** Whether it is not trained yet. */
  readonly missing: boolean;
}

/** The encoders that runs need, each once. */
export async function neededEncoders(runs: readonly RunSpec[]): Promise<NeededEncoder[]> {
  const attacked = runs.filter(({ attack }) => attack.type === ssba.name);
  const distinct = new Map<string, { run: RunSpec; runs: number }>();
  for (const run of attacked) {
    const key = canonicalJson([run.dataset, run.attack]);
    const before = distinct.get(key)?.runs ?? 0;
    distinct.set(key, { run, runs: before + 1 });
  }
  const found = new Map<string, NeededEncoder>();
  for (const { run, runs } of distinct.values()) {
    const { dataset: name, attack } = run;
    const { type, ...given } = attack;
    const parameters: SsbaParameters = ssba.parameters.parse(given);
    const dataset = await findDataset(name);
    const choice = encoderChoice(parameters);
    const key = encoderKey(settingsFor(dataset, choice));
    const title = `${parameters.bits} bits in ${datasetLabel(name)}, schedule ${parameters.schedule}`;
    const before = found.get(key)?.runs ?? 0;
    found.set(key, { key, dataset, choice, title, runs: before + runs, missing: !existsSync(encoderPath(key)) });
  }
  return [...found.values()];
}

/** Those of them that have not been trained yet. */
export async function missingEncoders(runs: readonly RunSpec[]): Promise<NeededEncoder[]> {
  return (await neededEncoders(runs)).filter(({ missing }) => missing);
}
