// The pictures of lint's findings: the triggers that each is about, before the preprocessing and after it.
import { join } from 'node:path';
import { inputError, messageOf } from '../core/errors.ts';
import { writeFileAtomic } from '../core/files.ts';
import type { Dataset } from '../data/dataset.ts';
import { storedShape } from '../data/preprocessing-fields.ts';
import { rewriteDataset } from '../data/rewrite.ts';
import { exampleImage } from '../lint/examples.ts';
import type { Finding } from '../lint/findings.ts';
import type { LintResult } from '../lint/lint.ts';
import type { Setting, Stage } from '../lint/settings.ts';
import type { Runtime } from '../runtime/node.ts';
import type { Catalog } from '../spec/catalog.ts';
import { drawStrips, gridPng } from './grid-pictures.ts';
import { triggerGrids } from './trigger-grid.ts';

export interface LintPictureOptions {
  readonly catalog: Catalog;
  readonly runtime: Runtime;
  /** The datasets that are here, by the names of the spec. */
  readonly datasets: ReadonlyMap<string, Dataset>;
  readonly directory: string;
}

/**
 * Writes a PNG for each finding about triggers and answers their paths. Findings about datasets and weights have none, nor
 * has what could not be checked.
 * @throws TriggerlabError (input) when the directory cannot be written to.
 */
export async function writeLintPictures(
  { findings, stages }: LintResult,
  options: LintPictureOptions,
): Promise<ReadonlyMap<Finding, readonly string[]>> {
  const paths = new Map<Finding, string[]>();
  for (const [number, finding] of findings.entries()) {
    if (finding.rule === 'not-checked') continue;
    const wanted = new Set(finding.triggers);
    for (const { stage, measured } of stages) {
      const settings = measured.map(({ setting }) => setting).filter(({ id }) => wanted.has(id));
      if (settings.length === 0) continue;
      const name = `${number + 1}-${finding.rule}-${finding.dataset ?? 'experiment'}`.replace(/[^a-z0-9-]+/gi, '-');
      const own = paths.get(finding) ?? [];
      own.push(...(await writeStage(stage, settings, name, options)));
      paths.set(finding, own);
    }
  }
  return paths;
}

async function writeStage(
  stage: Stage,
  settings: readonly Setting[],
  name: string,
  { catalog, runtime, datasets, directory }: LintPictureOptions,
): Promise<string[]> {
  const rewrite = stage.preprocessing?.rewrite ?? 'none';
  const shape = storedShape(catalog.datasets.get(stage.dataset), rewrite);
  const whole = datasets.get(stage.dataset);
  const image = exampleImage(shape, whole && rewriteDataset(whole, rewrite), 0);
  const grids = await triggerGrids(stage, settings, { runtime, image });
  const written: string[] = [];
  for (const [at, grid] of grids.entries()) {
    const path = join(directory, `${name}${grids.length > 1 ? `-${at + 1}` : ''}.png`);
    try {
      await writeFileAtomic(path, await gridPng(grid, await drawStrips(grid)));
    } catch (error) {
      throw inputError(`the pictures cannot be written to ${directory}: ${messageOf(error)}`, {
        hint: 'Name another directory with --out, one that you may write to.',
        cause: error,
      });
    }
    written.push(path);
  }
  return written;
}
