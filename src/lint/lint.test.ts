import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { inputError } from '../core/errors.ts';
import { registry } from '../core/registry.ts';
import { type Dataset, memorySource } from '../data/dataset.ts';
import { loadDataset } from '../data/loaded.ts';
import { Runtime } from '../runtime/node.ts';
import { type Catalog, installed } from '../spec/catalog.ts';
import { experimentFrom } from '../spec/parse.ts';
import { planExperiment } from '../spec/plan.ts';
import type { RuleName } from './findings.ts';
import { lintExperiment } from './lint.ts';

let cache: string;
const runtime = new Runtime({ threads: 1 });
beforeAll(() => {
  cache = mkdtempSync(join(tmpdir(), 'triggerlab-lint-'));
  vi.stubEnv('TRIGGERLAB_CACHE', cache);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  rmSync(cache, { recursive: true, force: true });
  await runtime.close();
});

/** Shapes of the paper's datasets without their images. */
const shapes = { digits: [28, 1], objects: [32, 3], scenes: [64, 3] } as const;
const classes = ['0', '1', '2'];
const bare: Catalog = {
  ...installed,
  datasets: registry(
    'dataset',
    Object.entries(shapes).map(([name, [side, channels]]) => ({
      ...{ name, height: side, width: side, channels, classes, fingerprint: name },
    })),
  ),
};
const CORNERS = ['top-left', 'top-right', 'bottom-left', 'bottom-right'];
const PATCH = { type: 'badnets', poisonRate: 0.01 };

async function lint(spec: object, catalog: Catalog, load: (name: string) => Promise<Dataset>) {
  const experiment = experimentFrom({ name: 'x', model: 'resnet-mini', ...spec }, { catalog });
  const plan = planExperiment(experiment, catalog);
  return lintExperiment({ experiment, plan, catalog, runtime, load });
}

const away = async (name: string) => {
  throw inputError(`${name} is not here`, { hint: 'Get it.' });
};

function found(result: Awaited<ReturnType<typeof lint>>, rule: RuleName) {
  return result.findings.filter((finding) => finding.rule === rule);
}

describe('without images: geometry', () => {
  const paper = { size: [0.04, 0.06, 0.08], position: ['top-left', 'middle'], color: ['white', 'black'] };

  it('rounded down, 4 % and 6 % are one trigger on 28 and 32 pixels, not on 64', async () => {
    const dataset = Object.keys(shapes);
    const floor = await lint({ dataset, attack: { ...PATCH, ...paper, rounding: 'floor' } }, bare, away);
    const same = found(floor, 'same-trigger');
    expect(same.map((finding) => [finding.severity, finding.dataset, finding.runs])).toEqual([
      ['error', 'digits', 8],
      ['error', 'objects', 8],
    ]);
    expect(same[0].message).toBe(
      'badnets of size 4 % and 6 % is the same trigger, 1 changed pixel (position top-left and middle, colour white and black).',
    );
    expect(same[0].triggers).toHaveLength(8);
    const round = await lint({ dataset, attack: { ...PATCH, ...paper, rounding: 'round' } }, bare, away);
    // 28 pixels cannot show three such sizes: 6 % and 8 % both come to 2.
    const [coarse, ...others] = found(round, 'same-trigger');
    expect(others).toEqual([]);
    expect(coarse).toMatchObject({ dataset: 'digits', figures: { pixels: 4 } });
    expect(coarse.message).toContain('size 6 % and 8 %');
    const atInput = { ...PATCH, ...paper, stampAt: 'input' };
    expect(
      found(await lint({ dataset: 'digits', inputSize: 64, attack: atInput }, bare, away), 'same-trigger'),
    ).toEqual([]);
  });

  it('a resize to 256 with a crop to 224 cuts small corner triggers off, and most of larger ones', async () => {
    const position = ['top-left', 'bottom-right', 'middle'];
    const attack = { ...PATCH, ...paper, position, color: 'white', rounding: 'floor' };
    const chain = { dataset: 'scenes', inputSize: 224, preprocessing: { resize: 256 } };
    const cropped = await lint({ ...chain, attack }, bare, away);
    const [lost, ...others] = found(cropped, 'not-seen');
    expect(others).toEqual([]);
    expect(lost).toMatchObject({ severity: 'error', dataset: 'scenes', runs: 4, figures: { inView: 0 } });
    expect(lost.message).toContain('size 4 % and 6 %, position top-left and bottom-right');
    const [rest] = found(cropped, 'cut-off');
    expect(rest).toMatchObject({ severity: 'warning', runs: 2 });
    // Of 5 × 5 pixels the first four rows and columns lie outside the crop.
    expect(rest.figures.inViewHigh).toBeCloseTo(1 / 25, 2);
    const whole = await lint({ ...chain, preprocessing: { resize: 'input' }, attack }, bare, away);
    expect([...found(whole, 'not-seen'), ...found(whole, 'cut-off')]).toEqual([]);
    const atInput = await lint({ ...chain, attack: { ...attack, stampAt: 'input' } }, bare, away);
    expect([...found(atInput, 'not-seen'), ...found(atInput, 'cut-off')]).toEqual([]);
  });

  it('random parts of training images often leave a corner out, and seldom the middle', async () => {
    const attack = { ...PATCH, size: 0.08, position: ['top-left', 'middle'], color: 'white' };
    const augmentation = { resizedCrop: 0.08, flip: 0.5 };
    const result = await lint({ dataset: 'objects', inputSize: 32, augmentation, attack }, bare, away);
    const [corner, middle] = result.stages[0].measured.map(({ missingInTraining }) => missingInTraining ?? -1);
    expect(corner).toBeGreaterThan(0.5);
    expect(middle).toBeLessThan(corner - 0.2);
    expect(found(result, 'lost-in-training').map(({ severity, figures }) => [severity, figures.missingLow])).toEqual([
      ['warning', corner],
      ['warning', middle],
    ]);
    // Shifted by at most two pixels, three of a corner are never all outside.
    const shifted = await lint({ dataset: 'objects', augmentation: { crop: 2 }, attack }, bare, away);
    expect(shifted.stages[0].measured.map(({ missingInTraining }) => missingInTraining)).toEqual([0, 0]);
    const atInput = await lint(
      { dataset: 'objects', augmentation, attack: { ...attack, stampAt: 'input' } },
      bare,
      away,
    );
    expect(atInput.stages[0].measured[0].missingInTraining).toBeUndefined();
  });

  it('a pixel that a resize averages with many others is told', async () => {
    const attack = { ...PATCH, size: 0.016, position: 'middle', color: 'white' };
    const chain = { dataset: 'scenes', inputSize: 8, init: 'random', freeze: 'none' };
    const smooth = await lint({ ...chain, preprocessing: { antialias: true }, attack }, bare, away);
    expect(found(smooth, 'averaged-away')).toMatchObject([{ severity: 'warning', dataset: 'scenes' }]);
    // Without a wide filter only every eighth pixel is looked at, and this one is not among them.
    const skipped = await lint({ ...chain, attack: { ...attack, position: { top: 1, left: 1 } } }, bare, away);
    expect(found(skipped, 'not-seen')).toMatchObject([{ severity: 'error' }]);
  });

  it('says per dataset that it is not here', async () => {
    const result = await lint({ dataset: ['digits', 'scenes'], attack: { ...PATCH, size: 0.1 } }, bare, away);
    expect(found(result, 'dataset-missing').map(({ dataset, severity, fix }) => [dataset, severity, fix])).toEqual([
      ['digits', 'note', 'Get it.'],
      ['scenes', 'note', 'Get it.'],
    ]);
    expect(result.stages.map(({ images }) => images)).toEqual(['noise', 'noise']);
  });
});

describe('on real digits', () => {
  const digits = (attack: object) =>
    lint({ dataset: 'mnist10k', attack: { ...PATCH, size: [0.04, 0.08], ...attack } }, installed, loadDataset);

  it('black in the corners leaves nearly all as they are, white none', async () => {
    const result = await digits({ position: CORNERS, color: ['black', 'white'] });
    const [black, ...others] = found(result, 'unchanged-images');
    expect(others).toEqual([]);
    expect(black).toMatchObject({ severity: 'warning', dataset: 'mnist10k', runs: 8 });
    expect(black.message).toContain('colour black');
    expect(black.figures.unchangedLow).toBeGreaterThan(0.98);
    expect(result.stages[0].images).toBe('test');
    for (const { setting, survival } of result.stages[0].measured) {
      const color = (setting.attack as { color?: string }).color;
      if (color === 'white') expect(survival.native).toMatchObject({ unchanged: 0, images: 500 });
      else expect(survival.seen.pixels).toBeLessThan(0.5);
    }
  });

  it('counts what the preprocessing leaves of a patch', async () => {
    const { stages } = await digits({ size: 0.08, position: 'top-left', color: 'white' });
    const [{ survival }] = stages[0].measured;
    // Two pixels, stretched from 28 to 32, touch three.
    expect(survival.native?.pixels).toBe(4);
    expect(survival.seen.pixels).toBe(9);
    expect(survival.inView).toBe(1);
    expect(survival.energyKept).toBeGreaterThan(0.6);
    expect(survival.energyKept).toBeLessThan(1);
  });
});

it('tells images that training and test share, and remembers them', async () => {
  const shape = { height: 28, width: 28, channels: 1 } as const;
  const pixels = Uint8Array.from({ length: 4 * 784 }, (_, i) => (i * i * 31 + Math.floor(i / 784) * i) & 255);
  const train = memorySource(shape, pixels, Uint16Array.of(0, 1, 2, 0));
  const test = memorySource(shape, pixels.slice(784, 2 * 784), Uint16Array.of(2));
  let loads = 0;
  const load = async () => {
    loads++;
    return { name: 'digits', classes, train, test };
  };
  const attack = { ...PATCH, size: 0.1 };
  const first = await lint({ dataset: 'digits', attack }, bare, load);
  expect(found(first, 'shared-images')).toMatchObject([
    { severity: 'warning', figures: { exact: 1, relabelled: 1, near: 0, testImages: 1 } },
  ]);
  expect(found(await lint({ dataset: 'digits', attack }, bare, load), 'shared-images')).toEqual(
    found(first, 'shared-images'),
  );
  expect(loads).toBe(2);
});
