// Datasets by the names that a spec gives them: a line of the registry, or the path of a folder or archive of images.
import { isDatasetReference, parseDatasetReference } from '../core/references.ts';
import type { DatasetDefinition } from './dataset.ts';
import type { FolderProgress } from './image-folder.ts';
import { datasets } from './registry.ts';

/**
 * The dataset of a name. Paths are relative to the working folder.
 * @throws TriggerlabError (input) for an unknown name, or a path at which there is no image folder.
 */
export async function findDataset(name: string, onProgress?: FolderProgress): Promise<DatasetDefinition> {
  if (!isDatasetReference(name)) return datasets.get(name);
  // Loaded here because it brings in the image decoder, which most commands do not need.
  const { openImageFolder } = await import('./image-folder.ts');
  return openImageFolder(parseDatasetReference(name), onProgress);
}
