// A trigger from what a spec says of it, bound to the images that it will meet.
import { inputError } from '../core/errors.ts';
import type { ImageShape } from '../core/images.ts';
import { triggers } from './registry.ts';
import { stampShape } from './stamp-shape.ts';
import type { Trigger, TriggerContext } from './trigger.ts';

/**
 * The trigger of an attack on images of the shape `native` before a model whose input has the side `inputSize`.
 * @throws TriggerlabError (input) for an unknown type, parameters that it does not take, or that do not fit.
 */
export async function openTrigger(
  { type, ...settings }: { readonly type: string },
  native: ImageShape,
  inputSize: number,
  context: TriggerContext,
): Promise<Trigger> {
  const definition = triggers.get(type);
  const parameters = definition.parameters.safeParse(settings);
  if (!parameters.success) {
    throw inputError(`this version's ${type} does not take the recorded parameters`, { cause: parameters.error });
  }
  return definition.create(parameters.data, stampShape(parameters.data, native, inputSize), context);
}

/** What the graph must know of a trigger: see data/preprocessing.ts. */
export function overlayInGraph(trigger: Trigger | undefined): { readonly opacity: number } | undefined {
  return trigger?.stampAt === 'input' ? { opacity: trigger.overlay?.opacity ?? 1 } : undefined;
}
