// Published weights: downloaded, verified, imported, and the download removed again.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDirectory } from '../../core/cache-directory.ts';
import { type DownloadOptions, type DownloadProgress, download } from '../../core/download.ts';
import { failedError, inputError } from '../../core/errors.ts';
import { didYouMean } from '../../core/suggest.ts';
import { forgetCards, type LocatedWeights, locateWeights, weightsName } from './card.ts';
import { type ImportingModel, importCommand, importWeights, weightsIntact } from './import-weights.ts';
import { PUBLISHED_BASE, type PublishedWeights, publishedFor, publishedWeights } from './published.ts';

export interface PullOptions {
  /** Address of the folder to fetch from, instead of torchvision's own. */
  readonly from?: string;
  /** Fetch nothing: say what would be needed. */
  readonly offline?: boolean;
  readonly onDownload?: (progress: DownloadProgress) => void;
  readonly onImport?: (share: number) => void;
  readonly patience?: DownloadOptions['patience'];
}

/**
 * What torchvision publishes for a model: the version asked for, or its DEFAULT.
 * @throws TriggerlabError (input) when there is no such thing.
 */
export function choosePublished(model: string, version?: string): PublishedWeights {
  const all = publishedFor(model);
  if (all.length === 0) {
    const names = [...new Set(publishedWeights.map((entry) => entry.model))];
    throw inputError(`torchvision publishes no weights for "${model}"`, { hint: didYouMean(model, names) });
  }
  const wanted = version?.toUpperCase().replace(/^IMAGENET1K_/, '');
  const chosen = all.find((entry) => (wanted === undefined ? entry.isDefault : entry.version === wanted));
  if (chosen) return chosen;
  throw inputError(`there is no version "${version}" of ${model}`, {
    hint: `Published: ${all.map((entry) => weightsName(model, entry.version)).join(', ')}.`,
  });
}

/**
 * Downloads and imports published weights. `fetched` is false when they were in the cache already, intact.
 * @throws TriggerlabError as `download` and `importWeights`; without a network, the hint says how to go on without one.
 */
export async function pullWeights(
  model: ImportingModel,
  published: PublishedWeights,
  options: PullOptions = {},
): Promise<LocatedWeights & { readonly fetched: boolean }> {
  const name = weightsName(model.name, published.version);
  const there = await inCache(name, published);
  if (there) return { ...there, fetched: false };
  const base = options.from ?? process.env.TRIGGERLAB_WEIGHTS_URL ?? PUBLISHED_BASE;
  const url = `${base.replace(/\/*$/, '/')}${published.file}`;
  const hint = `Fetch ${url} on another machine, copy it here, then: ${importCommand(published.file, name)}`;
  if (options.offline) throw failedError(`${name} is not in the cache`, { hint });
  const file = await download({
    url,
    to: join(cacheDirectory(), 'downloads', published.file),
    sha256: published.sha256,
    maxBytes: Math.ceil(published.bytes * 1.01) + 65_536,
    spaceNeeded: 2 * published.bytes,
    hint,
    onProgress: options.onDownload,
    patience: options.patience,
  });
  const how = { published, source: url, onProgress: options.onImport };
  const imported = await importWeights(model, file.path, how).catch(async (error) => {
    // Another process that pulled the same may be done, and have taken the download away.
    forgetCards();
    const theirs = await inCache(name, published);
    if (theirs) return theirs;
    throw error;
  });
  await rm(file.path, { force: true });
  return { ...imported, fetched: true };
}

/** What is in the cache under this name, when it is the published file and intact. */
async function inCache(name: string, { sha256 }: PublishedWeights): Promise<LocatedWeights | undefined> {
  const located = locateWeights(name);
  const same = located?.card.sourceSha256?.startsWith(sha256) ?? false;
  return located && same && (await weightsIntact(located)) ? located : undefined;
}
