import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openWeights } from './open-weights.ts';

const folder = fileURLToPath(new URL('../../../test/fixtures/pth/', import.meta.url));
interface Expected {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly values: readonly (number | string)[];
}
const { tensors, tar } = JSON.parse(readFileSync(`${folder}expected.json`, 'utf8')) as {
  tensors: Record<string, Expected>;
  tar: string[];
};
/** What short types become in memory. */
const READ_AS: Record<string, string> = { float16: 'float32', bfloat16: 'float32', int16: 'int32', int8: 'int32' };

async function expectTensors(file: string, names: readonly string[], prefix = ''): Promise<string> {
  const weights = await openWeights(folder + file);
  expect([...weights.tensors.keys()]).toEqual(names.map((name) => prefix + name));
  for (const name of names) {
    const { dtype, shape, values } = tensors[name];
    const stored = weights.tensors.get(prefix + name);
    expect(stored).toMatchObject({ dtype: READ_AS[dtype] ?? dtype, shape });
    const read = await weights.read(prefix + name);
    expect(read).toMatchObject({ dtype: READ_AS[dtype] ?? dtype, shape });
    const got = Array.from<number | bigint>(read.data as Float32Array).map((v) => (typeof v === 'bigint' ? `${v}` : v));
    expect({ name, got }).toEqual({ name, got: values });
  }
  await expect(weights.read('nothing')).rejects.toMatchObject({ kind: 'input' });
  await weights.close();
  return weights.format;
}

describe('files that PyTorch wrote', () => {
  const all = Object.keys(tensors);

  it.each([
    ['zip.pth', 'pth-zip'],
    ['deflated.pth', 'pth-zip'],
    ['legacy.pth', 'pth-legacy'],
  ])('%s: every element type, shared storage, views, parameters', async (file, format) => {
    expect(await expectTensors(file, all)).toBe(format);
  });

  it('tar.pth: the oldest form', async () => {
    expect(await expectTensors('tar.pth', tar)).toBe('pth-tar');
  });

  it.each(['wrapped.pth', 'wrapped-protocol4.pth', 'wrapped-legacy.pth'])(
    '%s: a checkpoint with its state dict inside',
    async (file) => {
      await expectTensors(file, all, 'module.');
    },
  );

  it('says where elements lie in a file that keeps them as they are', async () => {
    const weights = await openWeights(`${folder}legacy.pth`);
    const { offset } = weights.tensors.get('conv.weight') ?? {};
    expect(readFileSync(weights.path).readFloatLE(offset)).toBe(tensors['conv.weight'].values[0]);
    expect(weights.tensors.get('transposed')).not.toHaveProperty('offset');
    await weights.close();
  });

  it.each([
    ['module.pth', /asks for "torch\.nn\.modules\.linear\.Linear".*refused/, /state_dict/],
    ['torchscript.pt', /TorchScript archive/, /state_dict/],
  ])('%s is refused', async (file, message, hint) => {
    await expect(openWeights(folder + file)).rejects.toMatchObject({
      kind: 'input',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
  });
});
