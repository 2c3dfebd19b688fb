import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { makerMark } from '../../core/maker.ts';
import { float32, int64, type Tensor } from '../../core/tensor.ts';
import { describeArchitecture } from '../architecture.ts';
import { networkSizes } from '../sizes.ts';
import { randomState } from '../state.ts';
import { allWeights, locateWeights, weightsCard, weightsDirectory, weightsPath } from './card.ts';
import { importWeights, weightsIntact } from './import-weights.ts';
import { openWeights } from './open-weights.ts';
import { encodeSafetensors } from './safetensors.ts';

const sizes = networkSizes.find(({ name }) => name === 'resnet-mini');
if (!sizes) throw new Error('no resnet-mini');
const model = { ...sizes, name: 'resnet-test' };
const stateFor = (classes: number, seed = 1): Record<string, Tensor> => ({
  ...randomState(describeArchitecture(model.architecture, 32, classes), seed),
});

let folder: string;
let cache: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'triggerlab-import-'));
  cache = join(folder, 'cache');
  vi.stubEnv('TRIGGERLAB_CACHE', cache);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

function file(tensors: Record<string, Tensor>): string {
  const path = join(folder, 'given.safetensors');
  writeFileSync(path, encodeSafetensors(tensors));
  return path;
}
const renamed = (tensors: Record<string, Tensor>, prefix: string) =>
  Object.fromEntries(Object.entries(tensors).map(([name, value]) => [prefix + name, value]));
const files = () => (existsSync(cache) ? readdirSync(cache, { recursive: true, encoding: 'utf8' }).sort() : []);

describe('importWeights', () => {
  it('writes aligned float32 tensors and a card that finds them', async () => {
    const state = stateFor(7);
    const shares: number[] = [];
    const given = file({ ...state, 'bn1.num_batches_tracked': int64([], [5]) });
    const { card, path } = await importWeights(model, given, { onProgress: (share) => shares.push(share) });
    expect(card).toMatchObject({ model: 'resnet-test', inputSize: 32, classes: 7, data: 'not known', source: given });
    expect(card.sourceSha256).toBe(createHash('sha256').update(readFileSync(given)).digest('hex'));
    expect(card.sha256).toBe(createHash('sha256').update(readFileSync(path)).digest('hex'));
    expect(card.file).toBe(`resnet-test-${card.sha256.slice(0, 8)}.safetensors`);
    expect(shares.at(-1)).toBe(1);
    expect(weightsCard('resnet-test')).toEqual(card);
    expect(weightsPath('resnet-test')).toBe(join(cache, 'weights', card.file));
    expect(files()).toEqual(['weights', `weights/${card.file}`, 'weights/resnet-test.json']);
    const weights = await openWeights(path);
    expect([...weights.tensors.keys()].sort()).toEqual(Object.keys(state).sort());
    for (const [name, { offset = 1, bytes }] of weights.tensors) {
      expect(offset % (bytes % 64 === 0 ? 64 : 4)).toBe(0);
      expect(await weights.read(name)).toEqual(state[name]);
    }
    await weights.close();
  });

  it('replaces what was imported before, and knows when a file was damaged', async () => {
    const first = await importWeights(model, file(stateFor(7)));
    const second = await importWeights(model, file(stateFor(9, 2)));
    expect(weightsCard('resnet-test')).toMatchObject({ classes: 9, sha256: second.card.sha256 });
    expect(existsSync(first.path)).toBe(true);
    expect(await weightsIntact(second)).toBe(true);
    writeFileSync(second.path, 'x');
    expect(await weightsIntact(second)).toBe(false);
    rmSync(second.path);
    expect(await weightsIntact(second)).toBe(false);
    writeFileSync(join(cache, 'weights', 'other.json'), '{"file": "../../etc/passwd"}');
    expect(() => weightsCard('other')).toThrow(/other\.json is damaged/);
    writeFileSync(join(cache, 'weights', 'other.json'), JSON.stringify(second.card));
    expect(() => weightsCard('other')).toThrow(/it is the card of resnet-test/);
  });

  it.each(['module.', '_orig_mod.module.'])('reads over the wrapper %s', async (prefix) => {
    const { card } = await importWeights(model, file(renamed(stateFor(3), prefix)));
    expect(card.classes).toBe(3);
  });

  it('takes a prefix, and proposes one', async () => {
    const given = file({ ...renamed(stateFor(3), 'net.backbone.'), 'projector.weight': float32([1], [0]) });
    await expect(importWeights(model, given)).rejects.toMatchObject({
      kind: 'input',
      hint: 'Its names begin with "net.backbone.": add --prefix net.backbone.',
    });
    expect((await importWeights(model, given, { prefix: 'net.backbone.' })).card.classes).toBe(3);
  });

  const mistakes: [string, (state: Record<string, Tensor>) => Record<string, Tensor>, RegExp, RegExp?][] = [
    ['a missing tensor', ({ 'bn1.bias': _, ...rest }) => rest, /1 missing \(bn1\.bias\)/],
    [
      'a mistyped name',
      ({ 'bn1.bias': b, ...rest }) => ({ ...rest, 'bn1.bais': b }),
      /1 missing.*1 unexpected/,
      /Did you mean "bn1.bias"/,
    ],
    ['a tensor too many', (s) => ({ ...s, 'layer9.weight': s['bn1.bias'] }), /1 unexpected \(layer9\.weight\)/],
    ['another shape', (s) => ({ ...s, 'bn1.bias': float32([3], [1, 2, 3]) }), /bn1\.bias is \[3\] instead of \[16\]/],
    [
      'a head that does not agree with itself',
      (s) => ({ ...s, 'fc.bias': float32([3], [1, 2, 3]) }),
      /fc\.bias is \[3\] instead of \[7\]/,
    ],
    ['whole numbers', (s) => ({ ...s, 'bn1.bias': int64([16], Array(16).fill(1)) }), /bn1\.bias is of type int64/],
    [
      'not a number',
      (s) => ({ ...s, 'bn1.bias': float32([16], Array(16).fill(Number.NaN)) }),
      /"bn1\.bias" holds NaN \(element 0\)/,
    ],
    ['nothing', () => ({}), /missing \(/],
    ['a name of a million dots', (s) => ({ ...s, ['.'.repeat(1_000_000)]: s['bn1.bias'] }), /1 unexpected/],
    ['a name wrapped a million times', () => ({ ['module.'.repeat(1_000_000)]: float32([1], [0]) }), /missing/],
  ];
  it.each(mistakes)('refuses %s and leaves nothing behind', async (_, change, message, hint = /./) => {
    await expect(importWeights(model, file(change(stateFor(7))))).rejects.toMatchObject({
      kind: 'input',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
    expect(files().filter((name) => name !== 'weights')).toEqual([]);
  });

  it('keeps versions side by side, each with its card', async () => {
    const name = () => locateWeights('resnet-test')?.name;
    const given = (classes: number) => file(stateFor(classes));
    await importWeights(model, given(2), { version: 'mine-2' });
    await importWeights(model, given(10), { version: 'mine-10' });
    expect(name()).toBe('resnet-test@mine-10');
    await importWeights(model, given(7));
    expect(name()).toBe('resnet-test');
    expect(weightsCard('resnet-test')).not.toHaveProperty('version');
    expect(weightsCard('resnet-test@mine-2')).toMatchObject({ version: 'mine-2', classes: 2 });
    expect(weightsCard('resnet-test@mine')).toBeUndefined();
    expect(allWeights('resnet-test').map(({ name, card }) => [name, card.classes])).toEqual([
      ['resnet-test', 7],
      ['resnet-test@mine-2', 2],
      ['resnet-test@mine-10', 10],
    ]);
  });

  it.each([
    ['V2', /is not what torchvision publishes as resnet-test@V2/],
    ['v1', /is not what torchvision publishes/],
    ['IMAGENET1K_V1', /is not what torchvision publishes/],
    ['Mine', /"Mine" cannot name weights/],
    ['../up', /cannot name weights/],
    ['', /cannot name weights/],
  ])('refuses "%s" as the name of a version', async (version, message) => {
    await expect(importWeights(model, file(stateFor(7)), { version })).rejects.toMatchObject({
      kind: 'input',
      message: expect.stringMatching(message),
    });
    expect(files().filter((name) => name !== 'weights')).toEqual([]);
  });

  it('removes what ended processes left half written, and nothing else', async () => {
    mkdirSync(join(cache, 'weights'), { recursive: true });
    const ended = spawnSync(process.execPath, ['-e', '']).pid;
    const mark = makerMark();
    for (const name of [mark, mark.replace(`-${process.pid}-`, `-${ended}-`)]) {
      writeFileSync(join(cache, 'weights', `.${name}.tmp`), 'half');
    }
    const { card } = await importWeights(model, file(stateFor(7)));
    expect(files()).toEqual(['weights', `weights/.${mark}.tmp`, `weights/${card.file}`, 'weights/resnet-test.json']);
  });

  it('does not replace shipped weights, but takes others beside them', async () => {
    await expect(importWeights(sizes, file(stateFor(7)))).rejects.toMatchObject({ kind: 'input' });
    await importWeights(sizes, file(stateFor(7)), { version: 'mine' });
    expect(weightsCard('resnet-mini@mine')).toMatchObject({ classes: 7 });
    expect(locateWeights('resnet-mini')).toMatchObject({ where: 'shipped' });
    expect(weightsPath('resnet-mini')).toBe(join(weightsDirectory, 'resnet-mini.safetensors'));
  });

  it('says when the cache cannot be written', async () => {
    writeFileSync(join(folder, 'plain'), '');
    vi.stubEnv('TRIGGERLAB_CACHE', join(folder, 'plain'));
    await expect(importWeights(model, file(stateFor(7)))).rejects.toMatchObject({
      kind: 'failed',
      hint: expect.stringContaining('TRIGGERLAB_CACHE'),
    });
  });
});
