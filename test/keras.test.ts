// A classifier that Keras itself exported: channels last, Rescaling inside, shapes and pads computed in the graph, a softmax at its end.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { float32 } from '../src/core/tensor.ts';
import { importedModel } from '../src/models/imported.ts';
import { importedLogits } from './support/imported.ts';

const FIXTURES = join(import.meta.dirname, 'fixtures/keras');
const expected = JSON.parse(readFileSync(join(FIXTURES, 'expected.json'), 'utf8')) as {
  pixels: number[];
  probabilities: number[][];
};
const model = importedModel(join(FIXTURES, 'keras-cnn.onnx'));

describe('a Keras classifier', () => {
  it('is read with its pixels and without its softmax', () => {
    expect(model).toMatchObject({ inputSize: 16, classes: 4, normalizationFrom: 'inside', output: { softmax: true } });
    // It scales pixels in [0, 255] itself.
    expect(model.normalization).toEqual({ mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] });
  });

  it('answers as in Keras', async () => {
    const { pixels, probabilities } = expected;
    const [n, side] = [probabilities.length, 16];
    const planes = Array.from({ length: pixels.length }, (_, i) => {
      const [image, inside] = [Math.floor(i / (3 * side * side)), i % (3 * side * side)];
      const [channel, place] = [Math.floor(inside / (side * side)), inside % (side * side)];
      return pixels[(image * side * side + place) * 3 + channel];
    });
    const { data } = await importedLogits(model, float32([n, 3, side, side], planes));
    probabilities.forEach((wanted, i) => {
      const powers = [0, 1, 2, 3].map((k) => Math.exp(Number(data[4 * i + k])));
      const sum = powers.reduce((a, b) => a + b, 0);
      powers.forEach((power, k) => {
        expect(power / sum).toBeCloseTo(wanted[k], 5);
      });
    });
  });
});
