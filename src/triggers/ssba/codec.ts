// A trained encoder and decoder at work: secrets into images, and out of them again.
import { bytesPerImage } from '../../core/images.ts';
import { type Tensor, tensor } from '../../core/tensor.ts';
import { Graph, type Value } from '../../graph/graph.ts';
import { add } from '../../graph/ops/add.ts';
import { cast } from '../../graph/ops/cast.ts';
import { clip } from '../../graph/ops/clip.ts';
import { div } from '../../graph/ops/div.ts';
import { transpose } from '../../graph/ops/transpose.ts';
import { decoderLogits, encoderResidual, parameterContext, type StegastampSize } from '../../models/stegastamp.ts';
import type { Runtime } from '../../runtime/node.ts';

/** Images that are worked on at a time: results do not depend on it. */
const BATCH = 64;

/** The parameters of both networks by name. */
export type CodecParameters = Readonly<Record<string, Tensor>>;

export class Codec {
  readonly size: StegastampSize;
  readonly #runtime: Runtime;
  readonly #encoder: Graph;
  readonly #decoder: Graph;

  constructor(runtime: Runtime, size: StegastampSize, parameters: CodecParameters) {
    this.#runtime = runtime;
    this.size = size;
    this.#encoder = encoderGraph(size, parameters);
    this.#decoder = decoderGraph(size, parameters);
  }

  /**
   * Images (HWC bytes one after another) with secrets hidden in them: `secrets` has `bits` values (0 or 1) for every image.
   * The encoder's output is held within [0, 255] and rounded to nearest (halves up).
   */
  async hide(pixels: Uint8Array, secrets: Uint8Array): Promise<Uint8Array> {
    const { bits } = this.size;
    const bytes = bytesPerImage(this.size.image);
    const session = await this.#runtime.open(this.#encoder);
    const result = new Uint8Array(pixels.length);
    for (let at = 0; at < pixels.length / bytes; at += BATCH) {
      const some = pixels.subarray(at * bytes, (at + BATCH) * bytes);
      const count = some.length / bytes;
      const secret = Float32Array.from(secrets.subarray(at * bits, (at + count) * bits));
      const feeds = { image: this.#images(some), secret: tensor('float32', [count, bits], secret) };
      const hidden = (await session.run(feeds)).hidden.data as Float32Array;
      for (let i = 0; i < hidden.length; i++) result[at * bytes + i] = Math.floor(255 * hidden[i] + 0.5);
    }
    return result;
  }

  /** The secrets that the decoder reads in images: `bits` values (0 or 1) for every image. */
  async read(pixels: Uint8Array): Promise<Uint8Array> {
    const bytes = bytesPerImage(this.size.image);
    const session = await this.#runtime.open(this.#decoder);
    const parts: Uint8Array[] = [];
    for (let at = 0; at < pixels.length; at += BATCH * bytes) {
      const feeds = { image: this.#images(pixels.subarray(at, at + BATCH * bytes)) };
      const logits = (await session.run(feeds)).logits.data as Float32Array;
      parts.push(Uint8Array.from(logits, (value) => (value > 0 ? 1 : 0)));
    }
    return Buffer.concat(parts);
  }

  #images(pixels: Uint8Array): Tensor {
    const { height, width, channels } = this.size.image;
    return tensor('uint8', [pixels.length / bytesPerImage(this.size.image), height, width, channels], pixels);
  }
}

/** Adds the input `image` (uint8 [N, S, S, C]); values in [0, 1], float32 [N, C, S, S]. */
export function imageInput(graph: Graph, { image: { height, width, channels } }: StegastampSize): Value {
  const image = graph.input('image', 'uint8', ['N', height, width, channels]);
  return transpose(div(cast(image, 'float32'), graph.scalar(255)), [0, 3, 1, 2]);
}

function encoderGraph(size: StegastampSize, parameters: CodecParameters): Graph {
  const graph = new Graph('ssba encoder');
  const image = imageInput(graph, size);
  const secret = graph.input('secret', 'float32', ['N', size.bits]);
  const residual = encoderResidual(constants(graph, parameters), size, image, secret);
  graph.output('hidden', transpose(clip(add(image, residual), 0, 1), [0, 2, 3, 1]));
  return graph;
}

function decoderGraph(size: StegastampSize, parameters: CodecParameters): Graph {
  const graph = new Graph('ssba decoder');
  graph.output('logits', decoderLogits(constants(graph, parameters), size, imageInput(graph, size)));
  return graph;
}

function constants(graph: Graph, parameters: CodecParameters) {
  return parameterContext(graph, (name) => {
    if (!parameters[name]) throw new Error(`ssba: no value for "${name}"`);
    return graph.constant(parameters[name], name);
  });
}
