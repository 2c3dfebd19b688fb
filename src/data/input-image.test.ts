import { afterAll, expect, it } from 'vitest';
import { Rng } from '../core/rng.ts';
import { tensor } from '../core/tensor.ts';
import { Graph } from '../graph/graph.ts';
import { Runtime } from '../runtime/node.ts';
import { inputImage } from './input-image.ts';
import { inputPixels } from './preprocessing.ts';

const runtime = new Runtime({ threads: 1 });
afterAll(() => runtime.close());

it.each([
  [28, 28, 1, { inputSize: 32 }],
  [32, 32, 3, { inputSize: 32 }],
  [40, 40, 3, { inputSize: 24, antialias: true }],
  [17, 23, 1, { inputSize: 64, filter: 'bicubic' }],
  [20, 30, 3, { inputSize: 16, resize: 18, antialias: true }],
  [21, 30, 3, { inputSize: 25, resize: 'none' }],
  [28, 28, 1, { inputSize: 32, resize: 36, antialias: true, quantize: 'each-axis' }],
] as const)(
  '%i × %i px of %i channels by %j: what the graph makes of it, in 8 bits',
  async (height, width, channels, chain) => {
    const rng = Rng.of(0, 'input-image');
    const shape = { height, width, channels };
    const pixels = Uint8Array.from({ length: height * width * channels }, () => rng.int(0, 255));
    const graph = new Graph();
    graph.output('x', inputPixels(graph, { native: shape, mean: [], std: [], ...chain }));
    const image = tensor('uint8', [1, height, width, channels], pixels);
    const { x } = await (await runtime.open(graph)).run({ image });
    const side = chain.inputSize;
    const made = inputImage({ ...shape, pixels }, chain);
    expect(made).toMatchObject({ height: side, width: side, channels: 3 });
    const quantized = 'quantize' in chain;
    let worst = 0;
    for (let i = 0; i < made.pixels.length; i++) {
      const [c, place] = [i % 3, Math.floor(i / 3)];
      // Bicubic weights may lead outside of what a byte can say.
      const level = Math.min(255, Math.max(0, 255 * Number(x.data[c * side * side + place])));
      worst = Math.max(worst, Math.abs(made.pixels[i] - level));
    }
    expect(worst).toBeLessThanOrEqual(quantized ? 1.001 : 0.501);
    expect(made.pixels).not.toBe(pixels);
  },
);
