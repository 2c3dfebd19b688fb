// The defences that a spec, `defend` and `audit` can name. Their work is loaded when it is done: looking here needs no engine.
import { registry } from '../core/registry.ts';
import { abs } from './abs.ts';
import { activationClustering } from './activation-clustering.ts';
import type { DefenseDefinition } from './defense.ts';
import { finePruning } from './fine-pruning.ts';
import { fineTuning } from './fine-tuning.ts';
import { neuralCleanseDefense } from './neural-cleanse/definition.ts';
import { spectralSignatures } from './spectral-signatures.ts';
import { strip } from './strip.ts';

export const defenses = registry<DefenseDefinition>('defence', [
  line(abs),
  line(fineTuning),
  line(finePruning),
  line(neuralCleanseDefense),
  line(activationClustering),
  line(spectralSignatures),
  line(strip),
]);

/** A definition among others: its own `parameters` make what its `run` takes. */
function line<P extends object>(definition: DefenseDefinition<P>): DefenseDefinition {
  return {
    ...definition,
    run: (subject, parameters, watch) => definition.run(subject, parameters as P, watch),
  };
}
