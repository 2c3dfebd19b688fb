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
}

/** The encoders that runs need and that have not been trained yet, each once. */
export async function missingEncoders(runs: readonly RunSpec[]): Promise<NeededEncoder[]> {
  const attacked = runs.filter(({ attack }) => attack.type === ssba.name);
  const distinct = new Map(attacked.map((run) => [canonicalJson([run.dataset, run.attack]), run]));
  const found = new Map<string, NeededEncoder>();
  for (const { dataset: name, attack } of distinct.values()) {
    const { type, ...given } = attack;
    const parameters: SsbaParameters = ssba.parameters.parse(given);
    const dataset = await findDataset(name);
    const choice = encoderChoice(parameters);
    const key = encoderKey(settingsFor(dataset, choice));
    const title = `${parameters.bits} bits in ${datasetLabel(name)}, schedule ${parameters.schedule}`;
    if (!existsSync(encoderPath(key))) found.set(key, { key, dataset, choice, title });
  }
  return [...found.values()];
}
