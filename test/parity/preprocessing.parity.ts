// Resize, crop and normalisation of 100 real images of each dataset against torchvision and PIL. The numbers of docs/preprocessing.md.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Runtime } from '../../src/runtime/node.ts';
import { type ChainCase, difference, floats, throughGraph } from '../support/preprocessing-cases.ts';
import { askPython, requireTorch } from './python.ts';

const DATA = resolve('../shared/data');
const COUNT = 100;
const SCRIPT = fileURLToPath(new URL('preprocessing_live.py', import.meta.url));

type Case = ChainCase & { readonly dataset: string; readonly label: string; readonly file: string };

const there = existsSync(DATA);
if (!there)
  console.warn(`preprocessing on real images: skipped, there is no ${DATA} with MNIST, CIFAR and Tiny ImageNet`);

describe.skipIf(!there)('real images, through torchvision or PIL and through the graph', () => {
  const folder = mkdtempSync(join(tmpdir(), 'triggerlab-parity-'));
  const runtime = new Runtime({ threads: 2 });
  let cases: Case[] = [];
  beforeAll(async () => {
    await requireTorch();
    cases = JSON.parse(await askPython(SCRIPT, folder, DATA, String(COUNT))) as Case[];
  });
  afterAll(async () => {
    await runtime.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(['mnist', 'cifar10', 'tiny-imagenet'])('%s', async (dataset) => {
    const own = cases.filter((one) => one.dataset === dataset);
    expect(own).toHaveLength(10);
    const images = new Uint8Array(readFileSync(join(folder, `${dataset}.bin`)));
    for (const { label, file, dataset: _, ...chain } of own) {
      const expected = floats(readFileSync(join(folder, file)));
      const { levels, share } = difference(await throughGraph(runtime, images, chain), expected, chain.std);
      console.log(
        `${dataset}, ${label}: at most ${levels.toPrecision(2)} levels, ${(100 * share).toPrecision(2)} % differ`,
      );
      if (chain.quantize === 'once') expect(levels, label).toBeLessThan(1.001);
      else expect(levels, label).toBeLessThan(1e-3);
    }
  });
});
