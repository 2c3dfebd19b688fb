// Explanation of a backdoored run beside its clean twin: heat maps, what they say of the trigger's place, trigger neurons.
import { inputError } from '../core/errors.ts';
import { bytesPerImage } from '../core/images.ts';
import { Rng } from '../core/rng.ts';
import { everyRow, type ImageSource } from '../data/dataset.ts';
import { type CamStudy, camStudy } from '../explain/cam-study.ts';
import type { CamMethod } from '../explain/grad-cam.ts';
import { layerIn } from '../explain/layer-graphs.ts';
import { movedRegion, type Region, regionOf } from '../explain/map-measures.ts';
import { type PrunedFigures, pruneInOrder, type TriggerNeuron, triggerNeurons } from '../explain/trigger-neurons.ts';
import type { Runtime } from '../runtime/node.ts';
import type { RunRecord } from '../store/records.ts';
import type { Network } from '../train/network.ts';
import { withTrigger } from '../train/poisoned-set.ts';
import { seenPixels, type TrainedState } from '../train/predict.ts';
import type { Trigger } from '../triggers/trigger.ts';
import { bindRun, requireDone } from './bind-run.ts';
import { type ExplainedRows, explainedRows } from './explained-rows.ts';
import { restoreRun } from './restore-run.ts';

export interface ExplainOptions {
  /** Test images that are explained. */
  readonly images: number;
  /** The first so many are shown. */
  readonly shown: number;
  readonly layer?: string | undefined;
  readonly method?: CamMethod | undefined;
  /** Shares of the last maps' channels that are silenced, in [0, 1]; none: that part is left out. */
  readonly prune: readonly number[];
  readonly onProgress?: (share: number, what: string) => void;
}

/** What the store keeps of a run and its twin; what is undefined is made again. */
export interface KeptWeights {
  readonly trained: Uint8Array | undefined;
  readonly twin: RunRecord | undefined;
  readonly twinTrained: Uint8Array | undefined;
}

export interface ShownImage {
  readonly row: number;
  readonly label: number;
  /** Float32 [3, S, S] in [0, 1], as the networks see it. */
  readonly clean: Float32Array;
  readonly triggered: Float32Array;
  readonly region: Region;
}

export interface TriggerNeurons {
  readonly layer: string;
  readonly channels: number;
  readonly ranked: readonly TriggerNeuron[];
  /** Channels silenced in the order of the ranking, and in a random order. */
  readonly pruned: readonly PrunedFigures[];
  readonly control: readonly PrunedFigures[];
}

export interface RunExplanation {
  readonly side: number;
  readonly classes: readonly string[];
  readonly rows: readonly number[];
  readonly study: CamStudy;
  readonly shown: readonly ShownImage[];
  readonly neurons: TriggerNeurons | undefined;
  /** Whether weights had to be made again. */
  readonly regenerated: boolean;
}

/**
 * Explains test images on which the trigger should work, drawn by the run's seed.
 * @throws TriggerlabError (input) for a clean run or one that is not done, (failed) when its dataset or model has changed.
 */
export async function explainRun(
  runtime: Runtime,
  run: RunRecord,
  kept: KeptWeights,
  options: ExplainOptions,
): Promise<RunExplanation> {
  const { spec } = run;
  if (spec.attack.type === 'none') {
    throw inputError(`run ${run.runId} is a clean run: there is no trigger to explain`, {
      hint: 'Name a backdoored run; its clean twin is explained beside it. triggerlab results lists them.',
    });
  }
  await requireDone(run, 'classifier to explain');
  const { onProgress } = options;
  const { dataset, trigger, network } = await bindRun(runtime, spec);
  if (!trigger) throw new Error('explainRun: no trigger');
  // A wrong name is told before networks are trained.
  layerIn(network, options.layer);
  const restored = async (record: RunRecord, weights: Uint8Array | undefined, what: string) =>
    (await restoreRun(runtime, record, weights, (share) => onProgress?.(share, `training the ${what}`))).state;
  const state = await restored(run, kept.trained, 'backdoored network');
  const twin = kept.twin && (await restored(kept.twin, kept.twinTrained, 'clean twin'));
  const { test } = dataset;
  const { rows, goals } = explainedRows(spec, dataset, options.images);
  const stamping = { seed: spec.seed, split: 'test', input: network.preprocessing } as const;
  const triggered = await withTrigger(test, trigger, rows, stamping);
  const regions = await triggerRegions(runtime, network, test, trigger, rows, stamping);
  const controls = regions.map((region, i) => blindRegion(region, Rng.of(spec.seed, 'blind-place', rows[i])));
  const study = await camStudy({
    ...{ runtime, network, clean: test, triggered, rows, regions, controls },
    ...{ backdoored: state, twin },
    targets: goals,
    ...{ layer: options.layer, method: options.method, keep: options.shown },
    onProgress: (share) => onProgress?.(share, 'heat maps'),
  });
  const first = rows.slice(0, options.shown);
  const before = await seenPixels(runtime, network, test, first);
  const after = await seenPixels(runtime, network, triggered, first);
  const size = before.data.length / first.length;
  const cut = (data: Float32Array, i: number) => data.slice(i * size, (i + 1) * size);
  return {
    side: network.preprocessing.inputSize,
    classes: dataset.classes,
    rows,
    study,
    shown: first.map((row, i) => ({
      row,
      label: test.labels[row],
      clean: cut(before.data as Float32Array, i),
      triggered: cut(after.data as Float32Array, i),
      region: regions[i],
    })),
    neurons:
      options.prune.length === 0
        ? undefined
        : await neuronsOf(runtime, network, state, test, triggered, { rows, goals }, spec.seed, options),
    regenerated: kept.trained === undefined || (kept.twin !== undefined && kept.twinTrained === undefined),
  };
}

/** Half a grey level of 255: what changes less is not seen. */
const THRESHOLD = 0.5 / 255;

/**
 * Where the trigger lies on each row: pixels of the network's input that it changes on the row's own image, on a black or on a
 * white one, so that a patch of the colour of its ground is found too.
 */
async function triggerRegions(
  runtime: Runtime,
  network: Network,
  test: ImageSource,
  trigger: Trigger,
  rows: readonly number[],
  stamping: Parameters<typeof withTrigger>[3],
): Promise<Region[]> {
  const side = network.preprocessing.inputSize;
  const masks = rows.map(() => new Uint8Array(side * side));
  for (const ground of [test, plain(test, 0), plain(test, 255)]) {
    const stamped = await withTrigger(ground, trigger, rows, stamping);
    const batch = Math.max(1, Math.floor(2 ** 22 / side ** 2));
    for (let at = 0; at < rows.length; at += batch) {
      const some = rows.slice(at, at + batch);
      const [before, after] = [
        (await seenPixels(runtime, network, ground, some)).data as Float32Array,
        (await seenPixels(runtime, network, stamped, some)).data as Float32Array,
      ];
      for (let i = 0; i < before.length; i++) {
        if (Math.abs(before[i] - after[i]) < THRESHOLD) continue;
        masks[at + Math.floor(i / (3 * side * side))][i % (side * side)] = 1;
      }
    }
  }
  return masks.map((mask) => regionOf(mask, side));
}

/** A source of as many images, all of one level. */
function plain(like: ImageSource, level: number): ImageSource {
  const { height, width, channels, count, labels } = like;
  const bytes = bytesPerImage(like);
  return {
    ...{ height, width, channels, count, labels },
    read: (rows, out = new Uint8Array(rows.length * bytes)) => out.fill(level, 0, rows.length * bytes),
  };
}

const TRIES = 100;

/** As large a place elsewhere: one that does not touch the region, where a few tries find one. */
function blindRegion(region: Region, rng: Rng): Region {
  const { side, pixels, top, left, bottom, right } = region;
  if (pixels === 0) return region;
  const [height, width] = [bottom - top, right - left];
  let found = region;
  for (let i = 0; i < TRIES; i++) {
    const [y, x] = [rng.int(0, side - height), rng.int(0, side - width)];
    found = movedRegion(region, y, x);
    if (y + height <= top || y >= bottom || x + width <= left || x >= right) break;
  }
  return found;
}

async function neuronsOf(
  runtime: Runtime,
  network: Network,
  state: TrainedState,
  test: ImageSource,
  triggered: ImageSource,
  { rows, goals }: ExplainedRows,
  seed: number,
  { prune, onProgress }: ExplainOptions,
): Promise<TriggerNeurons> {
  const layer = 'last';
  const goalOf = new Map(rows.map((row, i) => [row, goals[i]]));
  const trained = { runtime, network, state };
  const ranked = await triggerNeurons(trained, layer, test, triggered, rows);
  const order = ranked.map(({ channel }) => channel);
  const counts = [...new Set(prune.map((share) => Math.round(share * order.length)))].sort((a, b) => a - b);
  const input = {
    trained,
    layer,
    counts,
    clean: test,
    triggered,
    rows: Array.from(everyRow(test)),
    attackedRows: rows,
  };
  const pruneBy = (by: readonly number[], from: number) =>
    pruneInOrder({
      ...input,
      order: by,
      targetOf: (row) => goalOf.get(row) as number,
      onProgress: (share) => onProgress?.(from + share / 2, 'silencing channels'),
    });
  return {
    layer,
    channels: order.length,
    ranked,
    pruned: await pruneBy(order, 0),
    control: await pruneBy(Array.from(Rng.of(seed, 'blind-channels').permutation(order.length)), 0.5),
  };
}
