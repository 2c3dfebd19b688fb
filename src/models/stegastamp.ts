// The encoder and decoder of StegaStamp (Tancik et al. 2020), which ISSBA (Li et al. 2021) and SSBA benchmarks use:
// a U-Net hides a bit string in an image, a convolutional network reads it again.
import type { ImageShape } from '../core/images.ts';
import { Graph, type Value } from '../graph/graph.ts';
import { add } from '../graph/ops/add.ts';
import { concat } from '../graph/ops/concat.ts';
import { relu } from '../graph/ops/relu.ts';
import { reshape } from '../graph/ops/reshape.ts';
import { resize } from '../graph/ops/resize.ts';
import { slice } from '../graph/ops/slice.ts';
import { sub } from '../graph/ops/sub.ts';
import type { ParameterInfo } from './architecture.ts';
import type { Initializer } from './initializers.ts';
import { type LayerContext, Layers } from './layers.ts';

/** Sizes of an encoder and its decoder. */
export interface StegastampSize {
  /** Of the images; they are square. */
  readonly image: ImageShape;
  /** Length of the secret. */
  readonly bits: number;
  /** Channels of the encoder's first layer, 32 in the published networks; all its others are multiples of it. */
  readonly width: number;
  /** The same for the decoder. */
  readonly decoderWidth: number;
}

const CONV: Initializer = { kind: 'kaiming-uniform' };
const ZERO: Initializer = { kind: 'constant', value: 0 };
/** Side of the secret's own map, at most; it is then enlarged to the image's. */
const SECRET_SIDE = 16;
/** Channels of the encoder's way down at strides 2, and of its way up, in widths. */
const DOWN = [1, 2, 4, 8];
const UP = [4, 2, 1, 1];
/** The decoder's layers: channels in widths, stride. */
const DECODER: readonly (readonly [number, 1 | 2])[] = [
  [1, 2],
  [1, 1],
  [2, 2],
  [2, 1],
  [2, 2],
  [4, 2],
  [4, 2],
];
const DECODER_DENSE = 512;

/** The residual that hides `secret` [N, bits] (0 or 1) in `image` [N, C, S, S] (values in [0, 1]); image + residual is not clipped. */
export function encoderResidual(context: LayerContext, size: StegastampSize, image: Value, secret: Value): Value {
  const { width } = size;
  const { height: side, channels } = size.image;
  const half = image.graph.scalar(0.5);
  const layers = new Layers(context, CONV);
  const block = (name: string, x: Value, widths: number, stride: 1 | 2 = 1) =>
    relu(layers.conv(`encoder.${name}`, x, widths * width, convolution(stride)));
  const own = Math.min(SECRET_SIDE, Math.ceil(side / 2));
  const flat = relu(
    layers.linear('encoder.secret', sub(secret, half), channels * own * own, {
      initializer: CONV,
      biasInitializer: ZERO,
    }),
  );
  const map = enlarged(reshape(flat, [-1, channels, own, own]), Math.ceil(side / own), side);
  const input = concat([sub(image, half), map], 1);
  const down = [block('conv1', input, 1)];
  DOWN.forEach((widths, i) => {
    down.push(block(`conv${i + 2}`, down[i], widths, 2));
  });
  const top = down.length - 1;
  const result = UP.reduce((x, widths, i) => {
    const skip = down[top - 1 - i];
    const raised = block(`up${i + 1}`, enlarged(x, 2, Number(skip.shape[2])), widths);
    const joined = i === UP.length - 1 ? [skip, raised, input] : [skip, raised];
    return block(`conv${top + 2 + i}`, concat(joined, 1), widths);
  }, down[top]);
  // Smaller than the rest: residuals should begin below the image's own contrast.
  return new Layers(context, { kind: 'uniform' }).conv('encoder.residual', result, channels, {
    kernel: 1,
    bias: true,
    biasInitializer: ZERO,
  });
}

/** Logits [N, bits] of the secret in `image` [N, C, S, S], values in [0, 1]. */
export function decoderLogits(context: LayerContext, size: StegastampSize, image: Value): Value {
  const layers = new Layers(context, CONV);
  const features = DECODER.reduce(
    (x, [widths, stride], i) =>
      relu(layers.conv(`decoder.conv${i + 1}`, x, widths * size.decoderWidth, convolution(stride))),
    sub(image, image.graph.scalar(0.5)),
  );
  const numbers = features.shape.slice(1).reduce<number>((product, dim) => product * Number(dim), 1);
  const dense = { initializer: CONV, biasInitializer: ZERO };
  const hidden = relu(layers.linear('decoder.dense', reshape(features, [-1, numbers]), DECODER_DENSE, dense));
  return layers.linear('decoder.bits', hidden, size.bits, dense);
}

/** Parameters of both networks, in the order in which their layers are emitted. */
export function stegastampParameters(size: StegastampSize): ParameterInfo[] {
  const graph = new Graph('stegastamp');
  const parameters: ParameterInfo[] = [];
  const context = parameterContext(graph, (name, shape, initializer) => {
    parameters.push({ name, shape, initializer, batchNorm: false });
    return graph.input(name, 'float32', shape);
  });
  const { height, width, channels } = size.image;
  const image = graph.input('image', 'float32', ['N', channels, height, width]);
  const residual = encoderResidual(context, size, image, graph.input('secret', 'float32', ['N', size.bits]));
  decoderLogits(context, size, add(image, residual));
  return parameters;
}

/** What these layers ask of their surroundings: parameters alone. */
export function parameterContext(graph: Graph, parameter: LayerContext['parameter']): LayerContext {
  const none = (name: string): never => {
    throw new Error(`stegastamp: "${name}" is no parameter`);
  };
  return {
    graph,
    batchNormMode: 'running',
    parameter,
    buffer: none,
    updateBuffer: none,
    dropoutMask: () => undefined,
  };
}

const convolution = (stride: 1 | 2) =>
  ({ kernel: 3, strides: stride, pads: 1, bias: true, biasInitializer: ZERO }) as const;

/** Every pixel `factor` times in both directions, cut to `side`. */
function enlarged(x: Value, factor: number, side: number): Value {
  const from = Number(x.shape[2]);
  const grown = factor === 1 ? x : resize(x, factor * from, factor * from, { mode: 'nearest' });
  return factor * from === side ? grown : slice(grown, [0, 0], [side, side], [2, 3]);
}
