// How long this machine takes for each kind of work of a run: features of the frozen part, training steps on them, evaluation.
import { join } from 'node:path';
import type { ImageShape } from '../core/images.ts';
import { FeatureStore } from '../data/feature-store.ts';
import type { FreezePolicy } from '../models/freeze.ts';
import type { ModelDefinition } from '../models/registry.ts';
import type { Runtime } from '../runtime/node.ts';
import { cachedFeatures } from './features.ts';
import { timeSteps } from './measure-step.ts';
import { predict } from './predict.ts';
import { withSyntheticNetwork } from './synthetic-network.ts';

export interface MeasureWorkOptions {
  readonly model: ModelDefinition;
  readonly freeze: FreezePolicy;
  readonly inputSize: number;
  /** Of the images before they are resized. */
  readonly shape: ImageShape;
  /** Images of a training step. */
  readonly batch: number;
  /** How long to measure steps, after a warm-up; the other two take about as long. */
  readonly seconds: number;
}

/** Processor seconds for one image, over all threads: what other programs on the machine do changes them little. */
export interface MeasuredWork {
  /** The frozen part, as it is computed for the feature store; undefined where there is none worth keeping. */
  readonly features?: number | undefined;
  /** A training step with Adam, on features where there are some. */
  readonly step: number;
  readonly evaluation: number;
}

const WARM_UP_STEPS = 2;
const BATCHES = 4;

/** Measures with random numbers in the network and in the images, in a feature store of its own. */
export function measureWork(runtime: Runtime, options: MeasureWorkOptions): Promise<MeasuredWork> {
  const { batch, seconds } = options;
  return withSyntheticNetwork({ ...options, images: BATCHES * batch }, async (plain, images, folder) => {
    const store = new FeatureStore({ directory: join(folder, 'features'), limit: 1e12 });
    const network = { ...plain, features: store };
    const rows = (from: number, to: number) => Int32Array.from({ length: to - from }, (_, i) => from + i);
    const features = async (from: number, to: number) => {
      const before = process.cpuUsage();
      const found = await cachedFeatures(runtime, network, 'train', images, rows(from, to));
      return found && since(before) / (to - from);
    };
    // The first batch brings up the session.
    await features(0, batch);
    const perFeature = await features(batch, images.count);
    const { cpu } = await timeSteps(runtime, network, images, { batch, seconds, warmUp: WARM_UP_STEPS });
    const evaluations: number[] = [];
    await predict(runtime, network, network.start, images, rows(0, batch));
    const until = performance.now() + 300 * seconds;
    do {
      const before = process.cpuUsage();
      await predict(runtime, network, network.start, images);
      evaluations.push(since(before));
    } while (performance.now() < until);
    return {
      features: perFeature,
      step: median(cpu) / batch,
      evaluation: median(evaluations) / images.count,
    };
  });
}

/** Processor seconds since then. */
function since(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}
