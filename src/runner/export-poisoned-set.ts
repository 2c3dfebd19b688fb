// The training set that a run was poisoned with, as a folder of PNG files and a manifest that says what was changed.
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { failedError, inputError } from '../core/errors.ts';
import { fillDirectory } from '../core/files.ts';
import type { Image, ImageShape } from '../core/images.ts';
import { datasetLabel } from '../core/references.ts';
import { packageVersion } from '../core/version.ts';
import type { ImageSource } from '../data/dataset.ts';
import { inParallel } from '../data/decoded-blocks.ts';
import { type InputChain, inputImage } from '../data/input-image.ts';
import { findDataset } from '../data/references.ts';
import { classFolders, writePng } from '../data/write-image-folder.ts';
import type { Runtime } from '../runtime/node.ts';
import type { RunSpec } from '../spec/run-spec.ts';
import type { RunRecord } from '../store/records.ts';
import type { PoisonMode, Stamp } from '../train/poison.ts';
import { encodePoisonRecord, poisonRecord } from '../train/poison-record.ts';
import { byForm, streamOf } from '../train/poisoned-set.ts';
import { openTrigger } from '../triggers/open.ts';
import { stampImages } from '../triggers/stamp.ts';
import type { Trigger } from '../triggers/trigger.ts';
import { checkUnchanged } from './check-unchanged.ts';
import { loadRunDataset } from './run-dataset.ts';
import { stampsOf } from './run-poison.ts';

export const MANIFEST_FILE = 'poisoned-set.json';
const MANIFEST_VERSION = 1;
const ROWS_AT_ONCE = 256;

export interface PoisonedSetOptions {
  /** A directory that does not exist yet, or an empty one. */
  readonly directory: string;
  /** The run's record of its poisoning, where the store has one: what is written must agree with it. */
  readonly recorded: Uint8Array | undefined;
  /** Told the share of the images that are written. */
  readonly onProgress?: (share: number) => void;
}

/** A changed training image, as the manifest lists it. */
export interface ManifestRow {
  readonly row: number;
  readonly file: string;
  readonly mode: PoisonMode;
  readonly originalLabel: number;
  readonly label: number;
  /** The row whose pixels were changed and written here, where that is another one. */
  readonly pixelsOf?: number | undefined;
  /** SHA-256 of the pixels: height × width × channels bytes. */
  readonly sha256: string;
}

export interface PoisonedSetManifest {
  readonly schemaVersion: 1;
  readonly triggerlab: string;
  readonly run: { readonly runId: string; readonly dataset: string; readonly datasetFingerprint: string } & Pick<
    RunSpec,
    'attack' | 'poisonRate' | 'targetClass' | 'labels' | 'sources' | 'coverRate' | 'preprocessing' | 'seed'
  >;
  /** Of all images: the dataset's own, or the model's input where the trigger is stamped there. */
  readonly image: ImageShape;
  readonly classes: readonly { readonly label: number; readonly name: string; readonly folder: string }[];
  readonly trainImages: number;
  readonly testImages: number;
  /** SHA-256 over the training images in the order of their rows: of each its pixels, then its label as two bytes, low one first. */
  readonly trainSha256: string;
  /** Every changed training image, in the order in which they were chosen. */
  readonly poisoned: readonly ManifestRow[];
}

/**
 * Writes `train/<class>/<row>.png` by the labels after poisoning, `test/<class>/<row>.png` untouched, and the manifest. Where the trigger is
 * stamped at input size all images are written at that size, in whole levels. Nothing is left behind when it fails.
 * @throws TriggerlabError (input) for a clean run, rows that are drawn for every batch, or a directory that is not empty.
 */
export async function exportPoisonedSet(
  runtime: () => Runtime,
  { runId, spec }: RunRecord,
  { directory, recorded, onProgress = () => {} }: PoisonedSetOptions,
): Promise<PoisonedSetManifest> {
  if (spec.attack.type === 'none') {
    throw inputError(`run ${runId} is clean: it has no poisoned set`, { hint: 'Name a run with an attack.' });
  }
  if (spec.poisonSet === 'per-batch') {
    throw inputError(`run ${runId} draws its poisoned rows anew for every batch: it has no one poisoned set`, {
      hint: 'Runs with poisonSet: fixed have one.',
    });
  }
  await checkUnchanged(runId, spec);
  const { fingerprint } = await findDataset(spec.dataset);
  const dataset = await loadRunDataset(spec);
  const { train, test } = dataset;
  const trigger = await openTrigger(spec.attack, train, spec.inputSize, {
    ...{ seed: spec.seed, dataset: spec.dataset, runtime },
  });
  const stamps = stampsOf(spec, dataset, trigger) ?? [];
  if (recorded && Buffer.compare(recorded, encodePoisonRecord(poisonRecord(train.labels, stamps))) !== 0) {
    throw failedError(`run ${runId} recorded other poisoned rows than its seed gives now`, {
      hint: 'Another version of triggerlab did it: export with that one.',
    });
  }
  const chain = trigger.stampAt === 'input' ? { ...spec.preprocessing, inputSize: spec.inputSize } : undefined;
  const folders = classFolders(dataset.classes);
  const { attack, poisonRate, targetClass, labels, sources, coverRate, preprocessing, seed } = spec;
  let manifest: PoisonedSetManifest | undefined;
  await fillDirectory(directory, async (temporary) => {
    let written = 0;
    const write = async (file: string, image: Image) => {
      await writePng(temporary, file, image);
      onProgress(++written / (train.count + test.count));
    };
    const poisoned = {
      source: train,
      trigger,
      stamps: new Map(stamps.map((stamp) => [stamp.row, stamp])),
      seed,
      chain,
    };
    const hashes = new Map<number, string>();
    const whole = createHash('sha256');
    const labelOf = (row: number) => poisoned.stamps.get(row)?.label ?? train.labels[row];
    const trainFile = (row: number) => `train/${folders[labelOf(row)]}/${pngName(row, train.count)}`;
    for await (const { row, image } of imagesOf(poisoned, (row, image) => write(trainFile(row), image))) {
      whole.update(image.pixels).update(Uint8Array.of(labelOf(row) & 255, labelOf(row) >> 8));
      if (poisoned.stamps.has(row)) hashes.set(row, createHash('sha256').update(image.pixels).digest('hex'));
    }
    const untouched = { ...poisoned, source: test, stamps: new Map<number, Stamp>() };
    const testFile = (row: number) => `test/${folders[test.labels[row]]}/${pngName(row, test.count)}`;
    for await (const _ of imagesOf(untouched, (row, image) => write(testFile(row), image)));
    manifest = {
      schemaVersion: MANIFEST_VERSION,
      triggerlab: packageVersion,
      run: {
        ...{ runId, dataset: datasetLabel(spec.dataset), datasetFingerprint: fingerprint },
        ...{ attack, poisonRate, targetClass, labels, sources, coverRate, preprocessing, seed },
      },
      image: trigger.shape,
      classes: dataset.classes.map((name, label) => ({ label, name, folder: folders[label] })),
      trainImages: train.count,
      testImages: test.count,
      trainSha256: whole.digest('hex'),
      poisoned: stamps.map(({ row, mode, pixelsOf }) => ({
        ...{ row, file: trainFile(row), mode, originalLabel: train.labels[row], label: labelOf(row), pixelsOf },
        sha256: hashes.get(row) ?? '',
      })),
    };
    await writeFile(join(temporary, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`);
  });
  if (!manifest) throw new Error('exportPoisonedSet: nothing was written');
  return manifest;
}

function pngName(row: number, count: number): string {
  return `${String(row).padStart(String(count - 1).length, '0')}.png`;
}

interface Poisoned {
  readonly source: ImageSource;
  readonly trigger: Trigger;
  /** The changes, by row. */
  readonly stamps: ReadonlyMap<number, Stamp>;
  readonly seed: number;
  /** How images come to input size, for triggers stamped there. */
  readonly chain: InputChain | undefined;
}

/** The images of a source with the trigger on them, in whole levels and in the order of their rows; `use` is called with each before. */
async function* imagesOf(
  { source, trigger, stamps, seed, chain }: Poisoned,
  use: (row: number, image: Image) => Promise<void>,
): AsyncGenerator<{ row: number; image: Image }> {
  const { height, width, channels, count } = source;
  for (let first = 0; first < count; first += ROWS_AT_ONCE) {
    const rows = Array.from({ length: Math.min(ROWS_AT_ONCE, count - first) }, (_, i) => first + i);
    const images = new Map(
      rows.map((row) => {
        const pixels = source.read([stamps.get(row)?.pixelsOf ?? row]);
        const native = { height, width, channels, pixels };
        return [row, chain ? inputImage(native, chain) : native];
      }),
    );
    const imageOf = (row: number) => images.get(row) as Image;
    for (const { form, own } of byForm(
      trigger,
      rows.flatMap((row) => stamps.get(row) ?? []),
    )) {
      await stampImages(
        form,
        own.map(({ row }) => imageOf(row)),
        own.map((stamp) => streamOf(stamp, { seed, split: 'train' })),
      );
    }
    await inParallel(rows.length, (i) => use(rows[i], imageOf(rows[i])));
    for (const row of rows) yield { row, image: imageOf(row) };
  }
}
