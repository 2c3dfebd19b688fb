// How much memory a run is going to take, worked out from its network before it begins.
import { canonicalJson } from '../core/hash.ts';
import { parseFreeze } from '../models/freeze.ts';
import { modelNamed } from '../models/named.ts';
import type { RunSpec } from '../spec/run-spec.ts';
import { evaluationBatch } from '../train/feeds.ts';
import { ledger } from '../train/ledger.ts';

/** A runner process with the engine loaded and nothing else. */
const BARE = 180e6;
/** Features that a process may hold: see FeatureStore. Small networks have small features. */
const FEATURES = 256e6;
const SMALL_NETWORK = 5e6;
/** Classes matter little to memory: those of a large dataset. */
const CLASSES = 200;

type Shape = Pick<RunSpec, 'model' | 'freeze' | 'inputSize' | 'init' | 'defense'> & {
  readonly training: Pick<RunSpec['training'], 'optimizer' | 'batchSize'>;
};

const known = new Map<string, Promise<number>>();

/**
 * Resident bytes of a runner process that does such a run. An estimate on the safe side: 12 to 44 % more than `bench step`, which
 * keeps no features, measured for six networks from 0.3 M to 61 M parameters.
 * @throws TriggerlabError (input) for a model that is not known.
 */
export function runMemory({ model, freeze: policy, inputSize, init, defense, training }: Shape): Promise<number> {
  const { optimizer, batchSize } = training;
  // A defence may train, or take gradients through, all of the network.
  const freeze = defense === undefined ? policy : 'none';
  const key = canonicalJson([model, freeze, inputSize, init, optimizer, batchSize]);
  const found = known.get(key) ?? estimate(model, freeze, inputSize, init, optimizer, batchSize);
  known.set(key, found);
  return found;
}

async function estimate(
  model: string,
  freeze: string,
  inputSize: number,
  init: RunSpec['init'],
  optimizer: 'adam' | 'sgd',
  batchSize: number,
): Promise<number> {
  const { parameters, activationBytes, optimizerBytes } = await ledger({
    ...{ model: await modelNamed(model), freeze: parseFreeze(freeze), classes: CLASSES, inputSize, init, optimizer },
  });
  return (
    BARE +
    (parameters.total > SMALL_NETWORK ? FEATURES : 0) +
    // What waits for the backward pass, and the gradients beside it.
    1.6 * batchSize * activationBytes.kept +
    evaluationBatch(inputSize) * activationBytes.evaluation +
    // Weights as they are, and packed for the processor's caches; trained ones with their gradient and optimiser.
    1.4 * 4 * parameters.total +
    2 * 4 * parameters.trained +
    optimizerBytes
  );
}
