// What an experiment is going to take on this machine: time, memory and disk, and what sharing work saves of them.
import { sumOf } from '../../core/sums.ts';
import { featureLimit } from '../../data/feature-cache.ts';
import type { Catalog } from '../../spec/catalog.ts';
import { type Plan, sharedTwins } from '../../spec/plan.ts';
import { evaluationBatch } from '../../train/feeds.ts';
import type { Layout } from '../layout.ts';
import { runMemory } from '../run-memory.ts';
import { type Calibration, secondsPerImage, type WorkKind } from './calibration.ts';
import { type FeatureWork, type PlannedWork, type RunGroup, workOf } from './work.ts';

export interface Forecast {
  /** Undefined where this machine has not been calibrated. */
  readonly time?: TimeForecast | undefined;
  readonly memory: {
    /** Bytes of a process that does the largest run. */
    readonly largestRun: number;
    readonly model: string;
    readonly inputSize: number;
    readonly batchSize: number;
  };
  /** Bytes. */
  readonly disk: {
    readonly features: number;
    readonly featureLimit: number;
    readonly weights: number;
    readonly records: number;
  };
  readonly features: {
    /** Frozen networks whose features are kept. */
    readonly sets: number;
    /** Images that they look at; if every run did it for itself; if every run did it in every epoch. */
    readonly images: number;
    readonly alone: number;
    readonly everyEpoch: number;
  };
  /** Datasets of which it is not known how many images they have. */
  readonly uncounted: readonly string[];
}

export interface TimeForecast {
  /** Seconds of wall time with this layout. */
  readonly wall: number;
  readonly layout: Layout;
  /** Seconds of one process after another. */
  readonly work: number;
  readonly features: number;
  readonly training: number;
  readonly evaluation: number;
  /** Seconds that are saved by sharing. */
  readonly saved: { readonly features: number; readonly twins: number };
  /** Whether every network was measured, rather than some predicted from others. */
  readonly measured: boolean;
}

/** Numbers of a feature's table: its key and a check sum. */
const FEATURE_ENTRY = 20;
/** About what a poisoned row takes in the record of a run (its place and two labels as text), and a run in the database: assumed, not measured. */
const POISON_ROW = 14;
const RUN_ROW = 8000;

/**
 * Runs under a defence are not in it: what they take is the defence's own. Pure but for the look at this machine's memory of features.
 * @throws TriggerlabError (input) where a network of the plan cannot be.
 */
export async function forecast(
  plan: Plan,
  catalog: Catalog,
  layout: Layout,
  calibration: Calibration | undefined,
): Promise<Forecast> {
  const limit = featureLimit();
  const work = await workOf(plan, catalog, limit > 0);
  const { groups, features, poisonRecords, uncounted } = work;
  const largest = groups.toSorted((a, b) => memoryRank(b) - memoryRank(a)).at(0);
  const featureBytes = sumOf(
    features,
    ({ group, images }) => images * (4 * (group.network.frozen?.width ?? 0) + FEATURE_ENTRY),
  );
  const poisoned = plan.runs.filter(({ twinId }) => twinId !== undefined);
  const kept = poisoned.filter(({ keepWeights }) => keepWeights === 'all').length / Math.max(1, poisoned.length);
  return {
    time: calibration && groups.length > 0 ? timeOf(work, plan, layout, calibration) : undefined,
    memory: {
      largestRun: largest ? await runMemory(shapeOf(largest)) : 0,
      model: largest?.model ?? '',
      inputSize: largest?.inputSize ?? 0,
      batchSize: largest?.batch ?? 0,
    },
    disk: {
      features: limit === 0 ? 0 : featureBytes,
      featureLimit: limit,
      weights: sumOf(groups, ({ clean, runs, network }) => (clean ? 1 : kept) * runs * 4 * network.changed),
      records: poisonRecords.rows * POISON_ROW + plan.runs.length * RUN_ROW,
    },
    features: {
      sets: features.length,
      images: sumOf(features, ({ images }) => images),
      alone: sumOf(features, ({ alone }) => alone),
      everyEpoch: sumOf(features, ({ anew }) => anew),
    },
    uncounted,
  };
}

function shapeOf({ model, freeze, inputSize, init, optimizer, batch }: RunGroup): Parameters<typeof runMemory>[0] {
  return { model, freeze, inputSize, init, defense: undefined, training: { optimizer, batchSize: batch } };
}

/** Grows with the memory that a run takes; looking at the largest alone spares `runMemory` of all others, which takes long. */
function memoryRank({ network, inputSize, batch }: RunGroup): number {
  const { activationBytes, changed, frozen } = network;
  const images = (frozen ? 0 : batch) + evaluationBatch(inputSize);
  return images * activationBytes + 16 * changed;
}

function timeOf({ groups, features }: PlannedWork, plan: Plan, layout: Layout, calibration: Calibration): TimeForecast {
  let measured = true;
  const perImage = (kind: WorkKind, { model, freeze, inputSize, batch }: RunGroup, multiplyAdds: number) => {
    const network = { model, freeze, inputSize, batch, threads: layout.threads };
    const found = secondsPerImage(calibration, kind, network, multiplyAdds);
    measured &&= found.measured;
    return found.seconds / layout.threads;
  };
  const featureSeconds = (group: RunGroup) =>
    group.network.frozen ? perImage('features', group, group.network.frozen.multiplyAdds) : 0;
  const training = (group: RunGroup) => {
    const { network, epochs, images, cached } = group;
    const seconds = perImage('step', group, network.step) + (cached ? 0 : featureSeconds(group));
    return epochs * images.train * seconds;
  };
  // Evaluation takes features wherever there is a store, also where training cannot.
  const anew = featureLimit() === 0;
  const evaluation = (group: RunGroup, passes: number) => {
    const seconds = perImage('evaluation', group, group.network.evaluation) + (anew ? featureSeconds(group) : 0);
    return passes * group.images.test * seconds;
  };
  const computed = ({ group, images }: FeatureWork) => images * featureSeconds(group);
  const parts = {
    features: sumOf(features, computed),
    training: sumOf(groups, (group) => group.runs * training(group)),
    evaluation: sumOf(groups, (group) => group.runs * evaluation(group, group.clean ? 1 : 3)),
  };
  const work = parts.features + parts.training + parts.evaluation;
  const { runsSaved, sharedBy } = sharedTwins(plan);
  const ownTwins = sumOf(groups, (group) => (group.clean ? 0 : group.runs * (training(group) + evaluation(group, 1))));
  return {
    wall: work / layout.workers,
    layout,
    work,
    ...parts,
    saved: {
      features: sumOf(features, (one) => ((one.alone - one.images) / Math.max(1, one.images)) * computed(one)),
      twins: sharedBy === 0 ? 0 : (ownTwins * runsSaved) / sharedBy,
    },
    measured,
  };
}
