// `triggerlab triggers show NAME --picture FILE`: what a trigger does to a few images, as a PNG.
import { inputError, messageOf } from '../core/errors.ts';
import { writeFileAtomic } from '../core/files.ts';
import { figurePng, type TriggerFigure, triggerFigure } from '../report/pictures.ts';
import { loadRunDataset } from '../runner/run-dataset.ts';
import { experimentFrom } from '../spec/parse.ts';
import { planExperiment } from '../spec/plan.ts';
import { catalogFor } from '../spec/references.ts';
import { triggers } from '../triggers/registry.ts';

export interface PictureRequest {
  readonly trigger: string;
  /** Written whole or not at all. */
  readonly file: string;
  readonly dataset: string;
  /** `name=value,…` texts: parameters of the trigger, or any other field of a spec. */
  readonly set: readonly string[];
}

/**
 * Draws test images clean, triggered, and what differs, one row below the other.
 * @throws TriggerlabError (input) for parameters that the trigger does not take, or a file that cannot be written.
 */
export async function drawTrigger({ trigger, file, dataset, set }: PictureRequest): Promise<TriggerFigure> {
  const { name, example } = triggers.get(trigger);
  const attack = { type: name, ...example };
  const spec = { name: 'picture', dataset, model: 'resnet-mini', poisonRate: 0.01, attack };
  const catalog = await catalogFor(spec, { overrides: set });
  const { runs } = planExperiment(experimentFrom(spec, { overrides: set, catalog }), catalog);
  const poisoned = runs.filter(({ twinId }) => twinId !== undefined);
  if (poisoned.length !== 1) {
    throw inputError(`--set asks for ${poisoned.length} triggers; a picture shows one`, {
      hint: 'Give one value for each parameter.',
    });
  }
  const [{ spec: run }] = poisoned;
  const figure = await triggerFigure(await loadRunDataset(run), run);
  try {
    await writeFileAtomic(file, await figurePng(figure));
  } catch (cause) {
    throw inputError(`the picture cannot be written to ${file}: ${messageOf(cause)}`, {
      hint: 'Name a file in a directory that you may write to.',
      cause,
    });
  }
  return figure;
}
