// Resizing and the chain around it against what torchvision and PIL gave: test/fixtures/preprocessing.
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { type ChainCase, difference, floats, throughGraph } from '../../test/support/preprocessing-cases.ts';
import { Runtime } from '../runtime/node.ts';
import { rotate } from './augment.ts';
import { resizedShape } from './resize-geometry.ts';
import { resizeImage } from './resize-image.ts';

interface Fixture {
  readonly images: Readonly<Record<string, string>>;
  readonly cases: readonly (ChainCase & { readonly expected: string })[];
  readonly rotations: readonly {
    readonly shape: readonly number[];
    readonly degrees: number;
    readonly expected: string;
  }[];
}

const fixture = JSON.parse(readFileSync('test/fixtures/preprocessing/resize.json', 'utf8')) as Fixture;
const runtime = new Runtime({ threads: 1 });
afterAll(() => runtime.close());

const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));
const imageOf = (shape: readonly number[]) => bytes(fixture.images[shape.join('x')]);
const titled = fixture.cases.map(({ expected, ...chain }) => {
  const { shape, inputSize, resize = 'input', filter, antialias, quantize } = chain;
  const title = `${shape.join('×')} to ${inputSize} by ${resize}, ${filter}${antialias ? ', antialiased' : ''}, rounded ${quantize}`;
  return { title, chain, expected: floats(bytes(expected)) };
});

describe('the graph', () => {
  it.each(titled)('$title', async ({ chain, expected }) => {
    const { levels, share } = difference(await throughGraph(runtime, imageOf(chain.shape), chain), expected, chain.std);
    if (chain.quantize === 'never') expect(levels).toBeLessThan(1e-3);
    // PIL's arithmetic is followed to the bit.
    else if (chain.quantize === 'each-axis') expect(levels).toBeLessThan(1e-3);
    // torch rounds halves to even, and has arithmetic of its own with antialiasing.
    else expect([levels < 1.001, share < 0.1]).toEqual([true, true]);
  });
});

describe('the host', () => {
  const whole = titled.filter(({ chain }) => (chain.resize ?? 'input') === 'input' && chain.quantize !== 'never');
  it.each(whole)('$title', ({ chain, expected }) => {
    const [height, width, channels] = chain.shape;
    const image = { height, width, channels: channels === 1 ? 1 : 3, pixels: imageOf(chain.shape) } as const;
    const { filter = 'bilinear', antialias = false } = chain;
    const quantize = chain.quantize === 'each-axis' ? 'each-axis' : 'once';
    const target = resizedShape(image, chain.inputSize, 'input');
    const made = resizeImage(image, target.height, target.width, { filter, antialias, quantize });
    const plane = target.height * target.width;
    const ours = Float32Array.from({ length: 3 * plane }, (_, i) => {
      const channel = channels === 1 ? 0 : Math.floor(i / plane);
      return made.pixels[(i % plane) * channels + channel] / 255;
    });
    const { levels, share } = difference(ours, expected);
    if (quantize === 'each-axis') expect(levels).toBeLessThan(1e-3);
    else expect([levels < 1.001, share < 0.1]).toEqual([true, true]);
  });
});

describe('turned images', () => {
  it.each(fixture.rotations)('$shape by $degrees degrees', ({ shape, degrees, expected }) => {
    const [height, width, channels] = shape;
    const image = { height, width, channels: channels === 1 ? 1 : 3, pixels: imageOf(shape) } as const;
    const theirs = floats(bytes(expected));
    const ours = rotate(image, degrees).pixels;
    // theirs before rounding, with float32 coordinates
    const most = ours.reduce((worst, level, i) => Math.max(worst, Math.abs(level - theirs[i])), 0);
    expect(most).toBeLessThan(0.51);
  });
});
