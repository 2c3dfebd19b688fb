// Models by the names that a spec gives them: a line of the registry, or the path of an ONNX file.
import { statSync } from 'node:fs';
import { inputError, messageOf } from '../core/errors.ts';
import { isModelReference, modelLabel } from '../core/references.ts';
import { importedModel } from './imported.ts';
import { readModelOptions } from './options.ts';
import { type ModelDefinition, models } from './registry.ts';

/** One import per file and process, as long as the file stays the same. */
const imported = new Map<string, { readonly stamp: string; readonly model: ModelDefinition }>();

/**
 * The model of a name. Paths are relative to the working folder.
 * @throws TriggerlabError (input) for an unknown name, or a path at which there is no ONNX classifier that can be imported.
 */
export function findModel(name: string): ModelDefinition {
  if (!isModelReference(name)) return models.get(name);
  // Of a file nothing can be set; a path that has a `?` in it is another matter.
  if (!/\.onnx$/i.test(name)) readModelOptions(name, {});
  const stamp = stampOf(name);
  const known = imported.get(name);
  if (known?.stamp === stamp) return known.model;
  const model: ModelDefinition = { ...importedModel(name), name: modelLabel(name) };
  imported.set(name, { stamp, model });
  return model;
}

function stampOf(path: string): string {
  try {
    const stats = statSync(path, { bigint: true });
    if (!stats.isFile()) throw inputError(`${path} is not a file`, { hint: 'Give the path of an ONNX file.' });
    return [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(' ');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === undefined) throw cause;
    throw inputError(code === 'ENOENT' ? `${path}: no such file` : `${path} cannot be read: ${messageOf(cause)}`, {
      hint: 'Paths of models start from the working folder. triggerlab models ls lists those that need no path.',
      cause,
    });
  }
}
