// What the runs of a plan ask of a machine, and what they share: networks, images to be computed, trained on and evaluated.

import { canonicalJson } from '../../core/hash.ts';
import { onceEach } from '../../core/once-each.ts';
import { sum } from '../../core/sums.ts';
import { parseFreeze } from '../../models/freeze.ts';
import { modelNamed } from '../../models/named.ts';
import type { Catalog } from '../../spec/catalog.ts';
import { attackText } from '../../spec/identity.ts';
import type { Plan } from '../../spec/plan.ts';
import type { RunSpec } from '../../spec/run-spec.ts';
import { type NetworkWork, networkWork } from '../../train/network-work.ts';

/** Runs of one network on one dataset with one training schedule. */
export interface RunGroup {
  readonly model: string;
  readonly freeze: string;
  readonly inputSize: number;
  readonly init: RunSpec['init'];
  readonly optimizer: 'adam' | 'sgd';
  readonly batch: number;
  readonly network: NetworkWork;
  /** Whether training takes features in place of images. */
  readonly cached: boolean;
  readonly clean: boolean;
  readonly epochs: number;
  /** Training and test images of a run. */
  readonly images: { readonly train: number; readonly test: number };
  /** Runs without a defence. */
  runs: number;
}

/** Images that frozen parts are to look at, for all runs together. */
export interface FeatureWork {
  readonly group: RunGroup;
  /** Each once. */
  images: number;
  /** If every run computed its own. */
  alone: number;
  /** If every run computed them whenever it needs them. */
  anew: number;
}

export interface PlannedWork {
  readonly groups: readonly RunGroup[];
  /** By frozen network. */
  readonly features: readonly FeatureWork[];
  /** Distinct lists of poisoned rows and how many rows they have together. */
  readonly poisonRecords: { readonly files: number; readonly rows: number };
  /** Names of datasets whose images nobody has counted yet: their runs are not in `groups`. */
  readonly uncounted: readonly string[];
}

/** The work of a plan's runs without defences; `keeping`: whether features may be kept. Nothing is run or loaded. @throws TriggerlabError (input) as `networkWork` does. */
export async function workOf({ settings }: Plan, catalog: Catalog, keeping: boolean): Promise<PlannedWork> {
  const sizes = onceEach((name: string) => sizesOf(catalog, name));
  const networks = new Map<string, NetworkWork>();
  const groups = new Map<string, RunGroup>();
  const features = new Map<string, FeatureWork>();
  const seen = new Map<string, Map<number | undefined, number>>();
  /** Images of a kind, so many for each of the seeds, that are not among those that were asked for before. */
  const unseen = (kind: string, seeds: readonly (number | undefined)[], images: number): number => {
    const known = seen.get(kind) ?? new Map<number | undefined, number>();
    seen.set(kind, known);
    const missing = seeds.map((seed) => {
      const before = known.get(seed) ?? 0;
      known.set(seed, Math.max(before, images));
      return Math.max(0, images - before);
    });
    return sum(missing);
  };
  const records = new Map<string, { readonly rows: number; readonly seeds: Set<number> }>();
  const chainOf = onceEach((preprocessing: RunSpec['preprocessing']) => canonicalJson([preprocessing ?? null]));
  const uncounted = new Set<string>();
  for (const { first, runs } of settings) {
    if (first.defense !== undefined) continue;
    const size = sizes(first.dataset);
    if (!size) {
      uncounted.add(first.dataset);
      continue;
    }
    const { model, init, freeze, inputSize, stem = 'kept', training, attack } = first;
    const networkKey = [model, init, freeze, inputSize, stem, size.classes].join(' ');
    const options = { freeze: parseFreeze(freeze), classes: size.classes, inputSize, init, stem };
    const network = networks.get(networkKey) ?? (await networkWork({ model: await modelNamed(model), ...options }));
    networks.set(networkKey, network);
    const clean = attack.type === 'none';
    const fresh = first.augmentation !== undefined || first.poisonSet === 'per-batch';
    const images = { train: size.train, test: Math.min(size.test, limitOf(first)) };
    const { epochs, batchSize: batch, optimizer } = training;
    const cached = keeping && network.frozen !== undefined && !fresh;
    const groupKey = [networkKey, clean, cached, epochs, batch, optimizer, images.train, images.test].join(' ');
    const group =
      groups.get(groupKey) ??
      ({
        model,
        freeze,
        inputSize,
        init,
        optimizer,
        batch,
        network,
        cached,
        clean,
        epochs,
        images,
        runs: 0,
      } as RunGroup);
    groups.set(groupKey, group);
    group.runs += runs.length;
    const poisoned = clean ? 0 : Math.floor(first.poisonRate * images.train);
    const choice = [first.dataset, first.labels, first.targetClass, first.sources, first.poisonRate].join(' ');
    const seeds = runs.map(({ seed }) => seed);
    if (poisoned > 0 && first.poisonSet !== 'per-batch') {
      const record = records.get(choice) ?? { rows: poisoned, seeds: new Set() };
      records.set(choice, record);
      for (const seed of seeds) record.seeds.add(seed);
    }
    if (!network.frozen || !keeping) continue;
    const entry = features.get(networkKey) ?? { group, images: 0, alone: 0, anew: 0 };
    features.set(networkKey, entry);
    const looked = (clean ? 1 : 2) * images.test;
    entry.alone += runs.length * ((cached ? images.train : 0) + looked);
    entry.anew += runs.length * (epochs * images.train + (clean ? 1 : 3) * images.test);
    // A network that starts at random has another frozen part for each seed.
    const ofNetwork = init === 'random' ? seeds : [undefined];
    const table = `${networkKey} ${chainOf(first.preprocessing)} ${first.dataset}`;
    entry.images += unseen(`${table} test`, ofNetwork, images.test);
    if (cached) entry.images += unseen(`${table} train`, ofNetwork, images.train);
    if (clean) continue;
    const trigger = `${table} ${attackText(attack).text}`;
    entry.images += unseen(`${trigger} test`, isDrawn(attack) ? seeds : ofNetwork, images.test);
    // Rows of a smaller rate are among those of a larger one.
    const rows = `${trigger} train ${first.labels} ${first.targetClass} ${first.sources}`;
    if (cached) entry.images += unseen(rows, seeds, poisoned);
  }
  const chosen = [...records.values()];
  return {
    groups: [...groups.values()],
    features: [...features.values()],
    poisonRecords: {
      files: sum(chosen.map(({ seeds }) => seeds.size)),
      rows: sum(chosen.map(({ seeds, rows }) => seeds.size * rows)),
    },
    uncounted: [...uncounted],
  };
}

/** Whether a trigger looks different under another seed, so that its test images do. */
function isDrawn(attack: RunSpec['attack']): boolean {
  return attack.type === 'wanet' || attack.type === 'dynamic' || attackText(attack).text.includes('"random"');
}

function limitOf({ testLimit }: RunSpec): number {
  return typeof testLimit === 'number' ? testLimit : Number.POSITIVE_INFINITY;
}

function sizesOf(catalog: Catalog, name: string): { classes: number; train: number; test: number } | undefined {
  const { classes, classCounts } = catalog.datasets.get(name);
  if (!classCounts) return undefined;
  return { classes: classes.length, train: sum(classCounts.train), test: sum(classCounts.test) };
}
