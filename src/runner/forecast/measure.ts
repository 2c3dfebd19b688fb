// Measures the networks of a plan on this machine.

import type { ImageShape } from '../../core/images.ts';
import { parseFreeze } from '../../models/freeze.ts';
import { modelNamed } from '../../models/named.ts';
import { models } from '../../models/registry.ts';
import { Runtime } from '../../runtime/node.ts';
import type { Catalog } from '../../spec/catalog.ts';
import type { Plan } from '../../spec/plan.ts';
import { measureWork } from '../../train/measure-work.ts';
import { networkWork } from '../../train/network-work.ts';
import type { Measurement } from './calibration.ts';

/** A network that is to be measured. */
export interface MeasuredNetwork {
  readonly model: string;
  readonly freeze: string;
  readonly inputSize: number;
  readonly batch: number;
  /** Of the images that it is fed. */
  readonly shape: ImageShape;
}

/** Training steps of more multiply-adds than this are measured on fewer images: they take no shorter for each. */
const STEP_MULTIPLY_ADDS = 2e10;
const CLASSES = 10;

/** The networks of a plan, each once. */
export function networksOf({ settings }: Plan, catalog: Catalog): MeasuredNetwork[] {
  const found = new Map<string, MeasuredNetwork>();
  for (const { first } of settings) {
    const { model, freeze, inputSize, dataset, training } = first;
    const key = [model, freeze, inputSize, training.batchSize].join(' ');
    if (found.has(key)) continue;
    const { height, width, channels } = catalog.datasets.get(dataset);
    found.set(key, { model, freeze, inputSize, batch: training.batchSize, shape: { height, width, channels } });
  }
  return [...found.values()];
}

/** The -mini networks as specs have them by default. */
export function usualNetworks(): MeasuredNetwork[] {
  return models.names
    .filter((name) => name.endsWith('-mini'))
    .map((model) => {
      const { inputSize } = models.get(model);
      return { model, freeze: 'paper', inputSize, batch: 128, shape: { height: 32, width: 32, channels: 3 } };
    });
}

/** @throws TriggerlabError (input) for a network that cannot be, (failed) where the engine fails. */
export async function measureNetworks(
  networks: readonly MeasuredNetwork[],
  threads: number,
  seconds: number,
  onProgress: (done: number) => void,
): Promise<Measurement[]> {
  const measured: Measurement[] = [];
  for (const { model: name, freeze: policy, inputSize, batch: wanted, shape } of networks) {
    onProgress(measured.length);
    const [model, freeze] = [await modelNamed(name), parseFreeze(policy)];
    const work = await networkWork({ model, freeze, classes: CLASSES, inputSize, init: 'pretrained' });
    const most = Math.floor(STEP_MULTIPLY_ADDS / Math.max(1, work.step + (work.frozen?.multiplyAdds ?? 0)));
    const batch = Math.min(wanted, Math.max(2, most));
    const runtime = new Runtime({ threads });
    try {
      const { features, step, evaluation } = await measureWork(runtime, {
        model,
        freeze,
        inputSize,
        shape,
        batch,
        seconds,
      });
      measured.push({
        ...{ model: name, freeze: policy, inputSize, batch, threads },
        ...(features !== undefined && work.frozen
          ? { features: { seconds: features, multiplyAdds: work.frozen.multiplyAdds } }
          : {}),
        step: { seconds: step, multiplyAdds: work.step },
        evaluation: { seconds: evaluation, multiplyAdds: work.evaluation },
      });
    } finally {
      await runtime.close();
    }
  }
  return measured;
}
