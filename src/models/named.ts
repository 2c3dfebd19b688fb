// A model by its name or path, for those who should not wait for the reader of ONNX files unless it is needed.
import { isModelReference } from '../core/references.ts';
import { type ModelDefinition, models } from './registry.ts';

/** As `findModel` of references.ts. @throws TriggerlabError (input) for a model that is not known. */
export async function modelNamed(name: string): Promise<ModelDefinition> {
  if (!isModelReference(name)) return models.get(name);
  const { findModel } = await import('./references.ts');
  return findModel(name);
}
