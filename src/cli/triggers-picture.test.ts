import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { drawTrigger } from './triggers-picture.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'triggerlab-draw-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

it('draws what is asked for: clean, triggered, difference', async () => {
  const file = join(folder, 'patch.png');
  const set = ['size=0.5', 'color=[1,2,3]', 'position=top-left'];
  const { title } = await drawTrigger({ trigger: 'badnets', file, dataset: 'shapes', set });
  expect(title).toContain('size 50 %, position top-left, colour #010203');
  const { data, info } = await sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  // Three strips of five images of 32 pixels, doubled, 4 apart.
  expect([info.width, info.height]).toEqual([5 * 64 + 4 * 4, 3 * 64 + 2 * 4]);
  const at = (x: number, y: number) => [...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3)];
  for (const x of [0, 31, 68, 99]) expect(at(x, 68 + 31)).toEqual([1, 2, 3]);
  expect(at(40, 68 + 40)).toEqual(at(40, 40));
  expect(at(40, 136 + 40)).toEqual([0, 0, 0]);
});

it.each([
  [['size=0.1,0.2'], 'asks for 2 triggers'],
  [['size=7'], 'size'],
  [['sise=0.1'], 'unknown field'],
  [['attack=none'], 'asks for 0 triggers'],
])('%j is refused, and nothing is written', async (set, message) => {
  const file = join(folder, 'none.png');
  await expect(drawTrigger({ trigger: 'badnets', file, dataset: 'shapes', set })).rejects.toMatchObject({
    kind: 'input',
    message: expect.stringContaining(message),
  });
  expect(existsSync(file)).toBe(false);
});

it('a file that cannot be written', async () => {
  const request = { trigger: 'sig', file: folder, dataset: 'shapes', set: [] };
  await expect(drawTrigger(request)).rejects.toMatchObject({ kind: 'input', message: expect.stringContaining(folder) });
});
