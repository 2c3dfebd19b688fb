// The pretrained tensors of a model: its own, those shipped with the program, or those imported into the cache.
import { statSync } from 'node:fs';
import { failedError, inputError, messageOf, type TriggerlabError } from '../core/errors.ts';
import { fileSha256 } from '../core/file-hash.ts';
import { fileTensor } from '../core/file-tensor.ts';
import type { Tensor } from '../core/tensor.ts';
import type { ModelDefinition } from './registry.ts';
import type { ModelState } from './state.ts';
import { type LocatedWeights, locateWeights } from './weights/card.ts';
import { publishedAs } from './weights/published.ts';

/**
 * Every tensor of a model's weights, the head included. Tensors of an imported file stay in it: graphs refer to them there.
 * @throws TriggerlabError (input) when the model has no weights, (failed) when the file is not the one of its card.
 */
export async function pretrainedTensors(model: ModelDefinition): Promise<ModelState> {
  if (model.tensors) return model.tensors();
  const located = locateWeights(model.name);
  if (!located) throw noPretrainedWeights(`model "${model.name}"`, model.name);
  await checkFile(located);
  // Loaded here because it brings in the readers of all formats, which naming a model should not wait for.
  const { openWeights } = await import('./weights/open-weights.ts');
  const file = await openWeights(located.path);
  try {
    const tensors: Record<string, Tensor> = Object.create(null);
    for (const [name, { stored, shape, offset }] of file.tensors) {
      const stays = located.where === 'cache' && stored === 'F32' && offset !== undefined;
      tensors[name] = stays ? fileTensor('float32', shape, file.path, offset) : await file.read(name);
    }
    return tensors;
  } finally {
    await file.close();
  }
}

/** The error for a model without weights; `subject` is how the message calls it. */
export function noPretrainedWeights(subject: string, model: string): TriggerlabError {
  const next =
    publishedAs(model) !== undefined
      ? `get torchvision's: triggerlab weights pull ${model}`
      : `make weights with: triggerlab pretrain ${model}`;
  return inputError(`${subject} has no pretrained weights`, { hint: `Use init: random, or ${next}` });
}

/** Files found to be right, by path, with what would show a change. A large file is hashed once per process. */
const checked = new Map<string, string>();

async function checkFile({ card, path, where }: LocatedWeights): Promise<void> {
  const hint = where === 'shipped' ? 'Install triggerlab again.' : `Import the weights of ${card.model} again.`;
  try {
    const { size, mtimeMs } = statSync(path);
    const stamp = `${card.sha256} ${size} ${mtimeMs}`;
    if (checked.get(path) === stamp) return;
    if ((await fileSha256(path)) !== card.sha256) throw new Error('it does not have the SHA-256 of its card');
    checked.set(path, stamp);
  } catch (cause) {
    throw failedError(`the weights ${path} cannot be used: ${messageOf(cause)}`, { hint, cause });
  }
}
