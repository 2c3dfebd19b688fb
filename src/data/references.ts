// Datasets by the names that a spec gives them: a line of the registry, or the path of a folder or archive of images.
import { inputError } from '../core/errors.ts';
import { isDatasetReference, parseDatasetReference } from '../core/references.ts';
import type { DatasetDefinition, DatasetProgress } from './dataset.ts';
import { officialDataset } from './official/definition.ts';
import { datasets } from './registry.ts';
import { subsetOf } from './subset.ts';

/**
 * The dataset of a name with its options. Paths are relative to the working folder.
 * @throws TriggerlabError (input) for an unknown name, options that do not fit, or a path at which there is no image folder.
 */
export async function findDataset(name: string, onProgress?: DatasetProgress): Promise<DatasetDefinition> {
  const reference = parseDatasetReference(name);
  if (isDatasetReference(name)) {
    // Loaded here because it brings in the image decoder, which most commands do not need.
    const { openImageFolder } = await import('./image-folder.ts');
    return openImageFolder(reference, onProgress);
  }
  const { path, options } = reference;
  const base = datasets.get(path);
  const { size } = options;
  if (size === undefined) return subsetOf(base, options);
  if (base.official) return subsetOf(officialDataset(base.official, size), options);
  throw inputError(`${name}: ${path} has images of ${base.width} × ${base.height} pixels and no others`, {
    hint: 'Leave size= out: inputSize in a spec says at which size the model sees them.',
  });
}
