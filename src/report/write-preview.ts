// Writes the pictures of an experiment's triggers: a PNG per dataset and attack, and a page with all of them.
import { join } from 'node:path';
import { inputError, messageOf, TriggerlabError } from '../core/errors.ts';
import { writeFileAtomic } from '../core/files.ts';
import { datasetLabel } from '../core/references.ts';
import type { Dataset } from '../data/dataset.ts';
import { storedShape } from '../data/preprocessing-fields.ts';
import { rewriteDataset } from '../data/rewrite.ts';
import { exampleImage } from '../lint/examples.ts';
import { type Stage, stagesOf } from '../lint/settings.ts';
import type { Runtime } from '../runtime/node.ts';
import type { Catalog } from '../spec/catalog.ts';
import type { Plan } from '../spec/plan.ts';
import { cellSide, drawStrips, gridPng, hasFonts, stripSize } from './grid-pictures.ts';
import { type PositionFigure, positionFigure } from './position-figure.ts';
import { type DrawnGrid, previewHtml } from './preview-page.ts';
import { type TriggerGrid, triggerGrids } from './trigger-grid.ts';

export interface PreviewRequest {
  readonly plan: Plan;
  readonly catalog: Catalog;
  readonly runtime: Runtime;
  /** @throws TriggerlabError (input) for a dataset that is not here. */
  readonly load: (dataset: string) => Promise<Dataset>;
  /** Made when it does not exist; files of the same names are replaced. */
  readonly directory: string;
  readonly onProgress?: (text: string, share: number) => void;
}

export interface WrittenPreview {
  /** Path of index.html. */
  readonly html: string;
  /** Paths of all files written, index.html last. */
  readonly files: readonly string[];
  readonly notes: readonly string[];
}

/**
 * Draws every distinct trigger of a plan. Each file is written whole or not at all, index.html last.
 * @throws TriggerlabError (input) when the plan has no trigger, or the directory cannot be written to.
 */
export async function writePreview(request: PreviewRequest): Promise<WrittenPreview> {
  const { plan, directory, onProgress } = request;
  const stages = stagesOf(plan.runs);
  if (stages.length === 0) {
    throw inputError(`${plan.name} has no attack: there is nothing to look at`, { hint: 'Give it an attack block.' });
  }
  const notes: string[] = [];
  const drawn: DrawnGrid[] = [];
  const figures: PositionFigure[] = [];
  for (const [s, stage] of stages.entries()) {
    onProgress?.(`drawing ${datasetLabel(stage.dataset)}`, s / stages.length);
    const { grids, figure } = await picturesOf(stage, request, notes);
    for (const grid of grids) drawn.push(await draw(grid));
    if (figure) figures.push(figure);
  }
  if (!(await hasFonts())) notes.push('This machine has no fonts: the PNG files have no labels, the page has.');
  const files: string[] = [];
  const write = async (name: string, content: Uint8Array | string) => {
    await writeFileAtomic(join(directory, name), content);
    files.push(join(directory, name));
  };
  try {
    for (const [at, { grid, strips }] of drawn.entries()) {
      await write(`${at + 1}-${fileName(grid.title)}.png`, await gridPng(grid, strips));
    }
    for (const [at, { png }] of figures.entries()) await write(`positions-${at + 1}.png`, png);
    const { name: experiment, description } = plan;
    await write('index.html', previewHtml({ experiment, description, grids: drawn, figures, notes }));
  } catch (error) {
    throw inputError(`the pictures cannot be written to ${directory}: ${messageOf(error)}`, {
      hint: 'Name another directory, one that you may write to.',
      cause: error,
    });
  }
  return { html: files[files.length - 1], files, notes };
}

interface StagePictures {
  readonly grids: readonly TriggerGrid[];
  readonly figure: PositionFigure | undefined;
}

async function picturesOf(stage: Stage, request: PreviewRequest, notes: string[]): Promise<StagePictures> {
  const { plan, catalog, runtime, load } = request;
  const rewrite = stage.preprocessing?.rewrite ?? 'none';
  const shape = storedShape(catalog.datasets.get(stage.dataset), rewrite);
  const target = plan.runs.find(({ spec }) => spec.dataset === stage.dataset)?.spec.targetClass ?? 0;
  let dataset: Dataset | undefined;
  try {
    dataset = rewriteDataset(await load(stage.dataset), rewrite);
  } catch (error) {
    if (!(error instanceof TriggerlabError)) throw error;
    notes.push(`${messageOf(error)}: a synthetic image stands for it. ${error.hint ?? ''}`);
  }
  try {
    const image = exampleImage(shape, dataset, target);
    const grids = await triggerGrids(stage, stage.settings, { runtime, image });
    return { grids, figure: await positionFigure(stage, image, runtime) };
  } catch (error) {
    if (!(error instanceof TriggerlabError)) throw error;
    notes.push(`The triggers on ${datasetLabel(stage.dataset)} cannot be drawn: ${error.message}. ${error.hint ?? ''}`);
    return { grids: [], figure: undefined };
  }
}

async function draw(grid: TriggerGrid): Promise<DrawnGrid> {
  const side = cellSide(grid);
  return { grid, strips: await drawStrips(grid), side, ...stripSize(grid.columns.length, side) };
}

function fileName(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}
