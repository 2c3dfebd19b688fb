// Whether the tensors of a file are those of a network, name by name and shape by shape.
import { inputError } from '../../core/errors.ts';
import { didYouMean } from '../../core/suggest.ts';
import { describeArchitecture } from '../architecture.ts';
import type { ModelDefinition } from '../registry.ts';
import type { WeightsFile } from './weights-file.ts';

export interface FittingWeights {
  /** Outputs of the head in the file. */
  readonly classes: number;
  /** Shapes by the network's own names: everything it needs, and auxiliary heads where the file has them. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** What the file puts before each of those names. */
  readonly prefix: string;
}

/** Put before every name by DataParallel and by torch.compile. */
const WRAPPERS = ['module.', '_orig_mod.'];
const MAX_WRAPPERS = 4;
const SHOWN = 5;
/** Longer names are those of no network; looking into them could take for ever. */
const MAX_NAME = 500;

/**
 * Compares a file with a network for images of `inputSize` pixels. The head may have any number of classes, counters of
 * batches (`num_batches_tracked`) do not matter, auxiliary heads may be there or not. `prefix` is what the file puts
 * before the network's names; names without it are then not looked at.
 * @throws TriggerlabError (input) naming what is missing, unexpected or of another shape.
 */
export function fitWeights(
  file: WeightsFile,
  model: Pick<ModelDefinition, 'name' | 'architecture'>,
  inputSize: number,
  prefix: string = commonWrapper(file),
): FittingWeights {
  const { architecture } = model;
  const head = `${architecture.head}.weight`;
  const found = file.tensors.get(prefix + head);
  // Described for one class more than none, so that a file without a head is told what else is wrong with it.
  const classes = found?.shape.length === 2 ? found.shape[0] : 1000;
  const needed = shapesOf(describeArchitecture(architecture, inputSize, classes, 'pretrained'));
  const optional = shapesOf(describeArchitecture(architecture, inputSize, classes, 'random'));
  const names = [...file.tensors.keys()].filter((name) => name.startsWith(prefix)).map((n) => n.slice(prefix.length));
  const known = (name: string) => needed.get(name) ?? optional.get(name);
  const missing = [...needed.keys()].filter((name) => !file.tensors.has(prefix + name));
  // An ONNX file has constants of other kinds among its weights.
  const unexpected = names.filter(
    (name) => !known(name) && !name.endsWith('.num_batches_tracked') && file.format !== 'onnx',
  );
  const shapes = new Map<string, readonly number[]>();
  const misshaped: string[] = [];
  for (const name of names) {
    const expected = known(name);
    const { shape, dtype } = file.tensors.get(prefix + name) ?? {};
    if (!expected || !shape) continue;
    if (dtype !== 'float32' && dtype !== 'float64') misshaped.push(`${name} is of type ${dtype}`);
    else if (shape.join() !== expected.join()) misshaped.push(`${name} is [${shape}] instead of [${expected}]`);
    else shapes.set(name, expected);
  }
  if (missing.length + unexpected.length + misshaped.length > 0) {
    throw inputError(
      `${file.path} does not fit ${model.name} at ${inputSize} × ${inputSize} pixels: ${[
        some(missing, 'missing'),
        some(unexpected, 'unexpected'),
        some(misshaped, 'of another kind'),
      ]
        .filter((text) => text !== '')
        .join('; ')}`,
      { hint: hintFor(file, needed, prefix, missing, unexpected) },
    );
  }
  return { classes, shapes, prefix };
}

function shapesOf(info: ReturnType<typeof describeArchitecture>): Map<string, readonly number[]> {
  return new Map([...info.parameters, ...info.buffers].map(({ name, shape }) => [name, shape]));
}

/** What wrappers have put before every name. */
function commonWrapper({ tensors }: WeightsFile): string {
  const names = [...tensors.keys()];
  let prefix = '';
  if (names.length === 0) return prefix;
  for (let depth = 0; depth < MAX_WRAPPERS; depth++) {
    prefix += WRAPPERS.find((wrapper) => names.every((name) => name.startsWith(prefix + wrapper))) ?? '';
  }
  return prefix;
}

function some(names: readonly string[], what: string): string {
  if (names.length === 0) return '';
  const more = names.length > SHOWN ? ', …' : '';
  return `${names.length} ${what} (${names
    .slice(0, SHOWN)
    .map((name) => name.slice(0, 120))
    .join(', ')}${more})`;
}

function hintFor(
  { tensors }: WeightsFile,
  needed: ReadonlyMap<string, unknown>,
  prefix: string,
  missing: readonly string[],
  unexpected: readonly string[],
): string {
  // A prefix under which most of what is needed would be there.
  const counts = new Map<string, number>();
  for (const name of tensors.keys()) {
    if (name.length > MAX_NAME) continue;
    for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
      if (!needed.has(name.slice(dot + 1))) continue;
      const before = name.slice(0, dot + 1);
      counts.set(before, (counts.get(before) ?? 0) + 1);
    }
  }
  const [best] = [...counts].sort((a, b) => b[1] - a[1]);
  if (best && best[0] !== prefix && best[1] > needed.size - missing.length && best[1] > needed.size / 2) {
    return `Its names begin with "${best[0]}": add --prefix ${best[0]}`;
  }
  const slip = missing.length > 0 && unexpected.length > 0 && missing.length < 4;
  if (slip) return `"${unexpected[0].slice(0, 100)}": ${didYouMean(unexpected[0], missing)}`;
  return 'Choose the model that the weights were made for (--model), and its input size (--input-size).';
}
