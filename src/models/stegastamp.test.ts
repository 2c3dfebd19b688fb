import { describe, expect, it } from 'vitest';
import { sizeOf } from '../core/tensor.ts';
import { Graph } from '../graph/graph.ts';
import { decoderLogits, encoderResidual, parameterContext, stegastampParameters } from './stegastamp.ts';

const size = (side: number, channels: 1 | 3, bits = 20, width = 32) => ({
  image: { height: side, width: side, channels },
  ...{ bits, width, decoderWidth: 32 },
});

describe('stegastamp', () => {
  it.each([
    [8, 1],
    [28, 1],
    [32, 3],
    [50, 3],
    [64, 3],
    [128, 3],
  ] as const)('hides in %i px and %i channels', (side, channels) => {
    const graph = new Graph();
    const context = parameterContext(graph, (name, shape) => graph.input(name, 'float32', shape));
    const image = graph.input('image', 'float32', ['N', channels, side, side]);
    const secret = graph.input('secret', 'float32', ['N', 20]);
    const residual = encoderResidual(context, size(side, channels), image, secret);
    expect(residual.shape).toEqual(['N', channels, side, side]);
    expect(decoderLogits(context, size(side, channels), image).shape[1]).toBe(20);
  });

  it('has the published layers', () => {
    const shapes = new Map(stegastampParameters(size(32, 3)).map(({ name, shape }) => [name, shape]));
    expect(shapes.get('encoder.secret.weight')).toEqual([768, 20]);
    const kernels = (part: string) =>
      [...shapes].filter(([name]) => name.startsWith(part) && name.endsWith('weight')).map(([, [o, i]]) => [i, o]);
    expect(kernels('encoder').slice(1)).toEqual([
      ...[
        [6, 32],
        [32, 32],
        [32, 64],
        [64, 128],
        [128, 256],
      ],
      ...[
        [256, 128],
        [256, 128],
        [128, 64],
        [128, 64],
        [64, 32],
        [64, 32],
        [32, 32],
        [70, 32],
      ],
      [32, 3],
    ]);
    expect(kernels('decoder')).toEqual([
      ...[
        [3, 32],
        [32, 32],
        [32, 64],
        [64, 64],
        [64, 64],
        [64, 128],
        [128, 128],
      ],
      ...[
        [128, 512],
        [512, 20],
      ],
    ]);
  });

  it('grows with its width alone', () => {
    const numbers = (width: number) =>
      stegastampParameters(size(32, 3, 20, width))
        .filter(({ name }) => name.startsWith('encoder.conv'))
        .reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    expect(numbers(32) / numbers(16)).toBeGreaterThan(3.5);
  });
});
