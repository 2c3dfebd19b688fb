import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { type Dataset, memorySource } from '../data/dataset.ts';
import { distinctTriggers, triggerFigure } from './pictures.ts';
import { syntheticExperiment } from './synthetic-runs.fixture.ts';

const shape = { height: 8, width: 8, channels: 1 } as const;
const source = memorySource(shape, new Uint8Array(3 * 64).fill(55), Uint16Array.of(0, 1, 2));
const dataset: Dataset = { name: 'grey', classes: ['zero', 'one', 'two'], train: source, test: source };
const attack = { type: 'badnets', size: 0.25, position: 'bottom-right', color: 'white' };
const spec = { dataset: 'grey', attack, inputSize: 16, targetClass: 0 };

async function pixelsOf(src: string) {
  return sharp(Buffer.from(src.replace('data:image/png;base64,', ''), 'base64'))
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
}

describe('triggerFigure', () => {
  it('shows other classes than the target clean, triggered and by how much they differ', async () => {
    const figure = await triggerFigure(dataset, spec);
    expect(figure.title).toBe('badnets: size 25 %, position bottom-right, colour white');
    expect(figure.strips.map((strip) => strip.label)).toEqual(['clean', 'triggered', 'difference']);
    expect(figure.strips[0].alt).toBe('Test images of the classes one, two, untouched');
    expect(figure.caption).toContain('On average 4 of 64 pixels change (6.3 %)');
    const { data, info } = await pixelsOf(figure.strips[1].src);
    expect([info.width, info.height]).toEqual([148, 72]);
    const grey = (x: number, y: number) => data[(y * info.width + x) * info.channels];
    expect([grey(0, 0), grey(53, 53), grey(54, 54), grey(71, 71)]).toEqual([55, 55, 255, 255]);
  });

  it('amplifies faint differences and says so', async () => {
    const faint = await triggerFigure(dataset, { ...spec, attack: { ...attack, opacity: 0.05 } });
    expect(faint.strips[2].label).toBe('difference × 25'); // 55 → 65
    const none = await triggerFigure(dataset, { ...spec, attack: { ...attack, color: [55, 55, 55] } });
    expect(none.caption).toContain('changes no pixel');
  });

  it('shows triggers made for the input at that size', async () => {
    const figure = await triggerFigure(dataset, { ...spec, attack: { ...attack, stampAt: 'input' } });
    expect(figure.caption).toContain('16 of 256 pixels');
  });
});

describe('distinctTriggers', () => {
  it('lists each trigger once, and none for clean runs', () => {
    expect(distinctTriggers(syntheticExperiment().map((run) => run.spec))).toHaveLength(4);
  });
});
