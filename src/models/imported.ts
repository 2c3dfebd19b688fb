// A classifier that somebody brings as an ONNX file, as a model like those of the registry.
import { basename } from 'node:path';
import { inputError } from '../core/errors.ts';
import { canonicalJson, sha256Hex } from '../core/hash.ts';
import type { Tensor } from '../core/tensor.ts';
import { asInputError, decodeModel, type OnnxModel, shortened } from '../graph/onnx/decode.ts';
import { checkOps, nodesBehind } from '../graph/onnx/import.ts';
import type { Architecture } from './architecture.ts';
import { importedArchitecture } from './imported-architecture.ts';
import { contentHash, type ModelFile, readModelFile, readSidecar, type Sidecar } from './imported-file.ts';
import { findHead, staticValues } from './imported-head.ts';
import { type ImageInput, imageInput, pixelRange } from './imported-input.ts';

/** What an ONNX file does not say of itself. Values given here win over the sidecar file, that over the defaults. */
export interface ImportOptions {
  /** What messages and results call the model. Default: the file's name without `.onnx`. */
  readonly name?: string;
  /** Side of the square input in pixels. Default: what the file declares, else 224. */
  readonly inputSize?: number;
  /**
   * Normalisation of RGB pixels in [0, 1]; for a network of one channel, one number each. Default: none for a file with
   * preprocessing inside, what `triggerlab export` wrote into its own files, else ImageNet's.
   */
  readonly normalization?: Normalization;
  /** Order of the channels that the network was trained on. Default RGB. */
  readonly channels?: 'RGB' | 'BGR';
}

/** (pixel − mean) / std per channel, of pixels in [0, 1]. */
export interface Normalization {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** A superset of `ModelDefinition`, but for `family`. */
export interface ImportedModel {
  readonly name: string;
  readonly title: string;
  readonly family: 'onnx';
  /** Side of the square input in pixels. */
  readonly inputSize: number;
  readonly architecture: Architecture;
  /** Normalisation of RGB pixels in [0, 1]: (pixel − mean) / std, three numbers each. */
  readonly normalization: Normalization;
  /** What said so: the caller, the sidecar, what `triggerlab export` wrote, arithmetic inside the file, or nothing. */
  readonly normalizationFrom: 'given' | 'sidecar' | 'export' | 'inside' | 'guess';
  /** The output that the logits come from. */
  readonly output: {
    readonly name: string;
    /** Whether a softmax behind them was taken off. */
    readonly softmax: boolean;
    /** Other outputs of the file, which play no part. */
    readonly others: readonly string[];
  };
  /** SHA-256 over the file, its external data, normalisation and order of channels: all that decides the model. */
  readonly weightsHash: string;
  /** Classes of the file's own head. */
  readonly classes: number;
  /** Names of these classes, where the sidecar or the file gives them. */
  readonly classNames: readonly string[] | undefined;
  /** Parameters and running statistics by the names that `architecture.forward` asks for; the file's own head included. */
  tensors(): Readonly<Record<string, Tensor>>;
}

/** ImageNet's channel means and deviations. */
const IMAGENET: Normalization = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
const DEFAULT_SIZE = 224;

/**
 * Reads a classifier from the path of an ONNX file (external data and a sidecar `<path>.json` beside it are read too),
 * or from bytes. Synchronous. The network is built once for the declared size, so a model that comes back can be built.
 * @throws TriggerlabError (input) naming what is wrong with the file, or every op that cannot be imported.
 */
export function importedModel(source: string | Uint8Array, options: ImportOptions = {}): ImportedModel {
  const path = typeof source === 'string' ? source : undefined;
  const name = options.name ?? (path === undefined ? 'onnx' : basename(path).replace(/\.onnx$/i, ''));
  try {
    const file = path === undefined ? undefined : readModelFile(path);
    const sidecar = path === undefined ? {} : readSidecar(path);
    return build(name, file ?? (source as Uint8Array), sidecar, options);
  } catch (error) {
    throw asInputError(error, `the model ${path ?? name} cannot be imported`);
  }
}

function build(name: string, source: ModelFile | Uint8Array, sidecar: Sidecar, options: ImportOptions): ImportedModel {
  const file = source instanceof Uint8Array ? undefined : source;
  const bytes = source instanceof Uint8Array ? source : source.bytes;
  const model = decodeModel(bytes, file?.readExternal);
  const constant = staticValues(model);
  // Ops come first: a model with foreign ops should hear of all of them, not of a head that hides behind one.
  for (const { name: output } of model.outputs.slice(0, 1)) checkOps(nodesBehind(model, output));
  const head = findHead(model, constant);
  const nodes = nodesBehind(model, head.output);
  checkOps(nodes);
  const input = imageInput(model, nodes);
  const own = ownMetadata(model);
  const inputSize = options.inputSize ?? sidecar.inputSize ?? input.size ?? own?.inputSize ?? DEFAULT_SIZE;
  const channels = options.channels ?? sidecar.channels ?? 'RGB';
  const { normalization, normalizationFrom } = normalizationOf([
    ['given', threeChannels(options.normalization)],
    ['sidecar', threeChannels(sidecarNormalization(sidecar))],
    ['export', own?.normalization],
    ['inside', insideNormalization(pixelRange(model, nodes, input.name))],
  ]);
  const { architecture, tensors, classes } = importedArchitecture(model, {
    head,
    constant,
    input,
    inputSize,
    swap: channels === 'BGR',
    name,
  });
  const classNames = sidecar.classes ?? own?.classes;
  if (classNames && classNames.length !== classes) {
    throw inputError(`${name}: ${classNames.length} class names for a head of ${classes} classes`, {
      hint: 'Correct `classes` in the sidecar file.',
    });
  }
  return {
    name,
    title: titleOf(model, input, classes),
    family: 'onnx',
    inputSize,
    architecture,
    normalization,
    normalizationFrom,
    output: {
      name: shortened(head.output),
      softmax: head.softmax.size > 0,
      others: model.outputs
        .filter(({ name: other }) => other !== head.output)
        .map(({ name: other }) => shortened(other)),
    },
    weightsHash: sha256Hex(
      canonicalJson({ file: contentHash(bytes), external: file?.external ?? {}, normalization, channels }),
    ),
    classes,
    classNames,
    tensors: () => tensors,
  };
}

type Source = ImportedModel['normalizationFrom'];

/** The first that is there; ImageNet's where none is. */
function normalizationOf(
  sources: readonly (readonly [Source, Normalization | undefined])[],
): Pick<ImportedModel, 'normalization' | 'normalizationFrom'> {
  for (const [normalizationFrom, normalization] of sources) {
    if (normalization) return { normalization, normalizationFrom };
  }
  return { normalization: IMAGENET, normalizationFrom: 'guess' };
}

function titleOf({ opset, producer, nodes }: OnnxModel, { size }: ImageInput, classes: number): string {
  const from = producer === '' ? '' : ` by ${producer.replace(/[^ -~]/g, '?').slice(0, 40)}`;
  const at = size === undefined ? '' : `, ${size} × ${size} pixels`;
  return `ONNX file${from}: ${nodes.length} nodes, operator set ${opset}, ${classes} classes${at}`;
}

/** Mean and std of one channel stand for three; those of BGR networks are given in RGB order too. */
function threeChannels(given: Normalization | undefined): Normalization | undefined {
  if (!given) return undefined;
  const three = (values: readonly number[]) => (values.length === 1 ? [values[0], values[0], values[0]] : [...values]);
  const [mean, std] = [three(given.mean), three(given.std)];
  if (
    mean.length !== 3 ||
    std.length !== 3 ||
    !mean.every(Number.isFinite) ||
    !std.every((value) => value > 0 && value < 1e9)
  ) {
    throw inputError(
      `normalization needs a mean and a positive std for each channel, got [${given.mean}] and [${given.std}]`,
    );
  }
  return { mean, std };
}

function sidecarNormalization({ normalization, scale = 1 }: Sidecar): Normalization | undefined {
  if (!normalization) return scale === 1 ? undefined : insideNormalization(scale);
  const divided = (values: readonly number[]) => values.map((value) => value / scale);
  return { mean: divided(normalization.mean), std: divided(normalization.std) };
}

/** For a network that takes pixels in [0, range] as they are. */
function insideNormalization(range: 1 | 255 | undefined): Normalization | undefined {
  return range && { mean: [0, 0, 0], std: [1 / range, 1 / range, 1 / range] };
}

interface OwnMetadata {
  readonly inputSize: number | undefined;
  readonly normalization: Normalization | undefined;
  readonly classes: readonly string[] | undefined;
}

/** What `triggerlab export` wrote into a file; undefined for files of others, and where it is damaged. */
function ownMetadata({ metadata }: OnnxModel): OwnMetadata | undefined {
  try {
    const { mean, std, inputSize } = JSON.parse(metadata['triggerlab.preprocessing'] ?? 'null');
    const classes: unknown = JSON.parse(metadata['triggerlab.classes'] ?? 'null');
    return {
      inputSize: Number.isInteger(inputSize) && inputSize > 0 && inputSize <= 4096 ? inputSize : undefined,
      normalization: threeChannels({ mean: mean.map(Number), std: std.map(Number) }),
      classes: Array.isArray(classes) ? classes.map(String) : undefined,
    };
  } catch {
    return undefined;
  }
}
