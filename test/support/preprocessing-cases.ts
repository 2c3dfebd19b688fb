// Preprocessing chains run through the graph, and how far the result is from a reference.
import { float32, type Tensor, tensor } from '../../src/core/tensor.ts';
import { inputPixels, normalize } from '../../src/data/preprocessing.ts';
import type { PreprocessingSpec } from '../../src/data/preprocessing-fields.ts';
import { Graph } from '../../src/graph/graph.ts';
import type { Runtime } from '../../src/runtime/node.ts';

export interface ChainCase extends Partial<Pick<PreprocessingSpec, 'resize' | 'filter' | 'antialias' | 'quantize'>> {
  /** Height, width, channels. */
  readonly shape: readonly number[];
  readonly inputSize: number;
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
}

/** What the network is fed, float32 [N, 3, S, S]. */
export async function throughGraph(runtime: Runtime, images: Uint8Array, chain: ChainCase): Promise<Float32Array> {
  const { shape, mean = [0, 0, 0], std = [1, 1, 1], ...rest } = chain;
  const [height, width, channels] = shape;
  const graph = new Graph();
  const native = { height, width, channels: channels === 1 ? 1 : 3 } as const;
  const preprocessing = { ...rest, native, mean, std };
  graph.output('x', normalize(inputPixels(graph, preprocessing), preprocessing));
  const count = images.length / (height * width * channels);
  const session = await runtime.open(graph);
  const image: Tensor = tensor('uint8', [count, height, width, channels], images);
  return (await session.run({ image })).x.data as Float32Array;
}

export interface Difference {
  /** Greatest difference of two pixels in levels of 255, before normalisation. */
  readonly levels: number;
  /** Share of the values that differ by at least half a level. */
  readonly share: number;
}

export function difference(
  ours: ArrayLike<number>,
  theirs: ArrayLike<number>,
  std: readonly number[] = [1, 1, 1],
): Difference {
  if (ours.length !== theirs.length || ours.length === 0) throw new Error(`${ours.length} values and ${theirs.length}`);
  const most = 255 * Math.max(...std);
  let levels = 0;
  let differing = 0;
  for (let i = 0; i < ours.length; i++) {
    const apart = most * Math.abs(ours[i] - theirs[i]);
    if (!(apart <= levels)) levels = apart;
    if (apart >= 0.5) differing++;
  }
  return { levels, share: differing / ours.length };
}

/** Little-endian float32 numbers. */
export function floats(bytes: Uint8Array): Float32Array {
  return float32([bytes.length / 4], new Float32Array(bytes.slice().buffer)).data;
}
