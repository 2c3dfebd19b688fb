// What people are told about a PyTorch file that cannot be read.
import { inputError, type TriggerlabError } from '../../core/errors.ts';
import { PickleError } from './pickle-input.ts';
import { ForbiddenGlobal } from './pickle-machine.ts';

const STATE_DICT = 'Save the numbers alone: torch.save(model.state_dict(), FILE).';

/** Does what reads a PyTorch file; faults in its pickles become errors that name the file. */
export async function readingTorch<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ForbiddenGlobal) throw forbidden(path, error.global);
    if (error instanceof PickleError) throw brokenTorch(path, error.message);
    throw error;
  }
}

export function brokenTorch(path: string, why: string): TriggerlabError {
  return inputError(`${path} is not a readable PyTorch file: ${why}`, {
    hint: `Download or save the file again. ${STATE_DICT}`,
  });
}

function forbidden(path: string, name: string): TriggerlabError {
  const isModel = /^(torch\.nn\.|torchvision\.|__main__\.|__torch__|models?\.|timm\.)/.test(name);
  return inputError(`${path} asks for "${name}", which weights do not need: refused, and nothing in it was executed`, {
    hint: isModel
      ? `It holds a whole model with its code. ${STATE_DICT}`
      : `Do not open the file with other programs unless you trust its author. ${STATE_DICT}`,
  });
}
