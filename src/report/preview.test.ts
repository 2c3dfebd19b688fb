import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { inputError } from '../core/errors.ts';
import { registry } from '../core/registry.ts';
import { type Dataset, memorySource } from '../data/dataset.ts';
import { exampleImage } from '../lint/examples.ts';
import { stagesOf } from '../lint/settings.ts';
import { Runtime } from '../runtime/node.ts';
import { type Catalog, installed } from '../spec/catalog.ts';
import { experimentFrom } from '../spec/parse.ts';
import { planExperiment } from '../spec/plan.ts';
import { cellSide, gridPng, panelsOf, stripPng } from './grid-pictures.ts';
import { triggerGrids } from './trigger-grid.ts';
import { writePreview } from './write-preview.ts';

const runtime = new Runtime({ threads: 1 });
const folder = mkdtempSync(join(tmpdir(), 'triggerlab-preview-'));
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await runtime.close();
});

const shape = { height: 32, width: 32, channels: 1 } as const;
const classes = ['zero', 'one'];
const source = memorySource(shape, new Uint8Array(2 * 1024).fill(40), Uint16Array.of(0, 1));
const grey: Dataset = { name: 'grey', classes, train: source, test: source };
const catalog: Catalog = {
  ...installed,
  datasets: registry('dataset', [{ name: 'grey', ...shape, classes, fingerprint: 'grey' }]),
};
const attack = {
  type: 'badnets',
  size: [0.125, 0.25],
  position: ['top-left', 'middle'],
  color: ['white', [40, 40, 40]],
  poisonRate: [0.1, 0.2],
};
const planOf = (own: object) =>
  planExperiment(
    experimentFrom({ name: 'x', dataset: 'grey', model: 'resnet-mini', inputSize: 32, attack: own }, { catalog }),
    catalog,
  );

async function grids(own: object) {
  const [stage] = stagesOf(planOf(own).runs);
  return triggerGrids(stage, stage.settings, { runtime, image: exampleImage(shape, grey, 0) });
}

async function greyAt(png: Uint8Array, x: number, y: number): Promise<number[]> {
  const { data, info } = await sharp(png)
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  return [...data.subarray((y * info.width + x) * info.channels, (y * info.width + x) * info.channels + 3)];
}

describe('triggerGrids', () => {
  it('puts positions across, colours and sizes down, each trigger once', async () => {
    const [grid, ...others] = await grids(attack);
    expect(others).toEqual([]);
    expect(grid).toMatchObject({
      title: 'badnets on grey',
      columns: ['top-left', 'middle'],
      down: 'colour, size',
      left: 0,
    });
    expect(grid.rows.map(({ label }) => label)).toEqual([
      'white, 12.5 %',
      'white, 25 %',
      '#282828, 12.5 %',
      '#282828, 25 %',
    ]);
    expect(grid.rows.map(({ cells }) => cells.map((cell) => cell?.changed))).toEqual([
      [16, 16],
      [64, 64],
      [0, 0],
      [0, 0],
    ]);
    expect(grid.image).toBe('test image 1 of class “one”');
    // 255 − 40 = 215 is the largest change: it cannot be shown twice as large.
    expect(grid.factor).toBe(1);
  });

  it('amplifies faint changes, and gives each attack its own table', async () => {
    const faint = { type: 'badnets', size: 0.25, color: [50, 50, 50], poisonRate: 0.1 };
    const [grid] = await grids(faint);
    expect(grid).toMatchObject({ columns: [''], factor: 25, down: 'size, colour' });
    expect(grid.rows.map(({ label }) => label)).toEqual(['25 %, #323232']);
  });
});

describe('the pictures', () => {
  it('enlarge every pixel to a square, and frame what does not change', async () => {
    const [grid] = await grids(attack);
    expect(cellSide(grid)).toBe(96);
    const panels = panelsOf(grid);
    expect(panels.map(({ title }) => title)).toEqual([
      'Dataset’s pixels, 32 × 32',
      'Model’s input, 32 × 32',
      'Change of the input: dark is more',
    ]);
    const strip = await stripPng(grid.rows[0], panels[0], 96);
    // A patch of 4 pixels, three times as large, behind a hairline.
    expect(await greyAt(strip, 1, 1)).toEqual([255, 255, 255]);
    expect(await greyAt(strip, 12, 12)).toEqual([255, 255, 255]);
    expect(await greyAt(strip, 13, 13)).toEqual([40, 40, 40]);
    const change = await stripPng(grid.rows[0], panels[2], 96);
    expect(await greyAt(change, 6, 6)).toEqual([40, 40, 40]);
    expect(await greyAt(change, 60, 60)).toEqual([255, 255, 255]);
    const framed = await stripPng(grid.rows[2], panels[1], 96);
    expect(await greyAt(framed, 2, 50)).toEqual([200, 40, 30]);
    expect(await greyAt(framed, 50, 50)).toEqual([40, 40, 40]);
    const strips = await Promise.all(
      grid.rows.map((row) => Promise.all(panels.map((panel) => stripPng(row, panel, 96)))),
    );
    const { width = 0, height = 0 } = await sharp(await gridPng(grid, strips)).metadata();
    expect(width).toBeGreaterThan(3 * 2 * 96);
    expect(height).toBeGreaterThan(4 * 96);
  });
});

describe('writePreview', () => {
  const request = { catalog, runtime, directory: folder };

  it('writes a PNG per table and a page with words for every picture', async () => {
    const written = await writePreview({ ...request, plan: planOf(attack), load: async () => grey });
    expect(readdirSync(folder).sort()).toEqual(['1-badnets-on-grey.png', 'index.html', 'positions-1.png']);
    expect(written.html).toBe(join(folder, 'index.html'));
    const page = readFileSync(written.html, 'utf8');
    expect(page.match(/<img /g)).toHaveLength(13);
    expect(page.match(/ alt="[^"]{20,}"/g)).toHaveLength(13);
    expect(page).toContain('white, 12.5 %. top-left: 16 pixels change; middle: 16 pixels change.');
    expect(page).toContain(
      'badnets on grey: top-left and middle. size 25 %, colour white; test image 1 of class “one”.',
    );
    const figure = readFileSync(join(folder, 'positions-1.png'));
    // 32 pixels, ten times as large, beside the labels: white patches of 8 at the upper left corner and in the middle.
    const at = (x: number, y: number) => greyAt(figure, 124 + 10 * x, 84 + 10 * y);
    expect(
      await Promise.all([at(0, 0), at(7.9, 7.9), at(8.1, 8.1), at(12, 12), at(19.9, 19.9), at(20.1, 20.1)]),
    ).toEqual([
      ...[
        [255, 255, 255],
        [255, 255, 255],
        [40, 40, 40],
      ],
      ...[
        [255, 255, 255],
        [255, 255, 255],
        [40, 40, 40],
      ],
    ]);
    expect(page).not.toMatch(/https?:\/\/(?!www\.w3\.org)/);
    expect(written.notes).toEqual([]);
  });

  it('draws a synthetic image where the dataset is not here, and says so', async () => {
    const away = async () => {
      throw inputError('grey is not on this machine', { hint: 'Get it.' });
    };
    const { html, notes } = await writePreview({ ...request, plan: planOf(attack), load: away });
    expect(notes).toEqual(['grey is not on this machine: a synthetic image stands for it. Get it.']);
    expect(readFileSync(html, 'utf8')).toContain('A synthetic image: the dataset is not on this machine');
  });

  it('refuses an experiment without triggers', async () => {
    const experiment = experimentFrom(
      { name: 'x', dataset: 'grey', model: 'resnet-mini', attack: 'none' },
      { catalog },
    );
    await expect(
      writePreview({ ...request, plan: planExperiment(experiment, catalog), load: async () => grey }),
    ).rejects.toMatchObject({ kind: 'input', message: expect.stringContaining('no attack') });
  });
});
