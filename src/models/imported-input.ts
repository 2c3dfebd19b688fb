// What an imported classifier takes: its image input, and the pixels that it was trained on as far as its file tells.
import { inputError } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { float32 } from '../core/tensor.ts';
import type { Value } from '../graph/graph.ts';
import { type OnnxModel, type OnnxNode, type OnnxValueInfo, shortened } from '../graph/onnx/decode.ts';
import { conv } from '../graph/ops/conv.ts';
import { gather } from '../graph/ops/gather.ts';
import { transpose } from '../graph/ops/transpose.ts';

export interface ImageInput {
  readonly name: string;
  readonly channels: 1 | 3;
  readonly layout: 'NCHW' | 'NHWC';
  /** The batch the file was made for; undefined when it is open. */
  readonly fixedBatch: number | undefined;
  /** Declared side in pixels; undefined when it is open. */
  readonly size: number | undefined;
}

/** @throws TriggerlabError (input) when the nodes take anything but one float image. */
export function imageInput(model: OnnxModel, nodes: readonly OnnxNode[]): ImageInput {
  const used = new Set(nodes.flatMap(({ inputs }) => inputs));
  const inputs = model.inputs.filter(({ name }) => used.has(name));
  if (inputs.length !== 1) {
    const names = inputs.slice(0, 8).map(({ name }) => `"${shortened(name)}"`);
    throw inputError(`the model has ${inputs.length} inputs (${names.join(', ')}), a classifier has one: the image`);
  }
  const [input] = inputs;
  const { shape, dtype } = input;
  const declared = `input "${shortened(input.name)}" is ${dtype ?? 'of an unknown type'} [${shape?.map((dim) => dim || '?') ?? '?'}]`;
  if (dtype === 'uint8') {
    throw inputError(`the model's ${declared}: it takes 8-bit pixels, with preprocessing inside`, {
      hint: 'Bring the network without its preprocessing; `triggerlab export` writes it so unless --with-preprocessing is given.',
    });
  }
  if (dtype !== 'float32' || (shape && shape.length !== 4)) {
    throw inputError(`the model's ${declared}, not float32 [N, 3, height, width]`);
  }
  return { ...layoutOf(input, declared), name: input.name, fixedBatch: numberOf(shape?.[0]) };
}

const numberOf = (dim: number | string | undefined): number | undefined => (typeof dim === 'number' ? dim : undefined);

function layoutOf({ shape }: OnnxValueInfo, declared: string): Pick<ImageInput, 'channels' | 'layout' | 'size'> {
  const isChannels = (dim: unknown): dim is 1 | 3 => dim === 3 || dim === 1;
  const last = shape?.[3];
  const first = shape?.[1];
  const layout = !isChannels(first) && isChannels(last) && typeof first !== 'string' ? 'NHWC' : 'NCHW';
  const channels = layout === 'NHWC' ? last : (first ?? 3);
  if (!isChannels(channels) && typeof channels === 'number') {
    throw inputError(`the model's ${declared}: an image has 3 channels, or 1`);
  }
  const [height, width] = (layout === 'NHWC' ? shape?.slice(1, 3) : shape?.slice(2)) ?? [];
  if (typeof height === 'number' && typeof width === 'number' && height !== width) {
    throw inputError(`the model's ${declared}: only square images are supported`);
  }
  return { layout, channels: channels === 1 ? 1 : 3, size: numberOf(height) ?? numberOf(width) };
}

/** Weights of red, green and blue in brightness (ITU-R BT.601), as image libraries make images grey. */
const LUMA = [0.299, 0.587, 0.114];

/** RGB images [N, 3, S, S] as the model takes them. */
export function asModelTakes(image: Value, input: ImageInput, swap: boolean): Value {
  const { graph } = image;
  let x = image;
  if (input.channels === 1) x = conv(x, graph.constant(float32([1, 3, 1, 1], LUMA)));
  else if (swap) x = gather(x, graph.vector([2, 1, 0]), 1);
  return input.layout === 'NHWC' ? transpose(x, [0, 2, 3, 1]) : x;
}

/** A weight [O, 3, kh, kw] for channels in the other order. */
export function swapChannels(weight: Tensor): Tensor {
  const [outputs, , height, width] = weight.shape;
  const area = height * width;
  const data = weight.data.slice();
  for (let o = 0; o < outputs; o++) {
    const plane = (c: number) => weight.data.subarray((3 * o + c) * area, (3 * o + c + 1) * area) as Float32Array;
    for (let c = 0; c < 3; c++) (data as Float32Array).set(plane(2 - c), (3 * o + c) * area);
  }
  return { ...weight, data };
}

/** Nodes that take the image, if all are convolutions that could have their weights' channels swapped; else undefined. */
export function stemOf(
  nodes: readonly OnnxNode[],
  { name, layout, channels }: ImageInput,
  constants: OnnxModel['constants'],
): ReadonlySet<OnnxNode> | undefined {
  const users = nodes.filter(({ inputs }) => inputs.includes(name));
  const fitting = users.filter(({ op, inputs, attributes }) => {
    const weight = constants.get(inputs[1]);
    const whole = op === 'Conv' && (attributes.group ?? 1) === 1 && inputs[0] === name;
    return whole && weight?.dtype === 'float32' && weight.shape.length === 4 && weight.shape[1] === 3;
  });
  return layout === 'NCHW' && channels === 3 && fitting.length === users.length ? new Set(users) : undefined;
}

/**
 * The value of a white pixel that a model with preprocessing inside (a·x + b before its first layer) expects: the pixel
 * that it maps to zero lies within the range. Undefined for models without.
 */
export function pixelRange(model: OnnxModel, nodes: readonly OnnxNode[], input: string): 1 | 255 | undefined {
  let at = input;
  let [a, b] = [1, 0];
  let steps = 0;
  for (;;) {
    const users: OnnxNode[] = nodes.filter(({ inputs }) => inputs.includes(at));
    if (users.length !== 1) break;
    const [node] = users;
    if (!['Identity', 'Cast', 'Transpose'].includes(node.op)) {
      const side = node.inputs[0] === at ? 1 : 0;
      const constant = channelMean(contentOf(model, nodes, node.inputs[side] ?? ''));
      if (constant === undefined) break;
      if (node.op === 'Mul' || (node.op === 'Div' && side === 1 && constant !== 0)) {
        const factor = node.op === 'Mul' ? constant : 1 / constant;
        [a, b] = [a * factor, b * factor];
      } else if (node.op === 'Add') b += constant;
      else if (node.op === 'Sub') [a, b] = side === 1 ? [a, b - constant] : [-a, constant - b];
      else break;
      steps++;
    }
    at = node.outputs[0];
  }
  if (steps === 0 || a === 0) return undefined;
  if (b === 0) return Math.abs(a) <= 1 / 32 ? 255 : 1;
  return -b / a > 1 ? 255 : 1;
}

/** A constant of the file, or what a Constant node gives. */
function contentOf({ constants }: OnnxModel, nodes: readonly OnnxNode[], name: string): Tensor | undefined {
  const value = nodes.find(({ op, outputs }) => op === 'Constant' && outputs[0] === name)?.attributes.value;
  return constants.get(name) ?? (typeof value === 'object' && 'tensor' in value ? value.tensor : undefined);
}

/** The mean of a constant that is one number or one per channel. */
function channelMean(content: Tensor | undefined): number | undefined {
  if (content?.dtype !== 'float32' || content.data.length === 0 || content.data.length > 3) return undefined;
  const numbers = Array.from(content.data as Float32Array);
  return numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
}
