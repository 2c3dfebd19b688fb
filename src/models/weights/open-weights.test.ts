import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { float32, int64, type Tensor, tensor } from '../../core/tensor.ts';
import { Graph } from '../../graph/graph.ts';
import { encodeModel } from '../../graph/onnx/encode.ts';
import { add } from '../../graph/ops/add.ts';
import { openWeights } from './open-weights.ts';
import { encodeSafetensors } from './safetensors.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'triggerlab-open-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(content: Uint8Array | string): string {
  const path = join(folder, 'weights.bin');
  writeFileSync(path, content);
  return path;
}

it('reads safetensors tensor by tensor, whatever the ending', async () => {
  const tensors: Record<string, Tensor> = {
    n: int64([], [3]),
    b: float32([3], [1, 2, 3]),
    a: float32([16], Array(16).fill(0.5)),
  };
  const bytes = encodeSafetensors(tensors, { made: 'here' });
  const weights = await openWeights(file(bytes));
  expect(weights).toMatchObject({ format: 'safetensors', metadata: { made: 'here' } });
  expect([...weights.tensors.keys()]).toEqual(['a', 'n', 'b']);
  for (const [name, { offset = -1, bytes: length }] of weights.tensors) {
    const { dtype, shape, data } = await weights.read(name);
    expect({ dtype, shape, data }).toEqual(tensors[name]);
    expect(bytes.slice(offset, offset + length)).toEqual(new Uint8Array(data.buffer));
  }
  await weights.close();
});

it('reads half precision as float32', async () => {
  const header = JSON.stringify({
    half: { dtype: 'F16', shape: [2], data_offsets: [0, 4] },
    brain: { dtype: 'BF16', shape: [1], data_offsets: [4, 6] },
  });
  const bytes = Buffer.alloc(8 + header.length + 6);
  bytes.writeUInt32LE(header.length);
  bytes.write(header, 8);
  for (const [i, bits] of [0x3e00, 0xfc00, 0xc040].entries()) bytes.writeUInt16LE(bits, 8 + header.length + 2 * i);
  const weights = await openWeights(file(bytes));
  expect(await weights.read('half')).toEqual(float32([2], [1.5, Number.NEGATIVE_INFINITY]));
  expect(await weights.read('brain')).toEqual(float32([1], [-3]));
  expect(weights.tensors.get('brain')).toMatchObject({ dtype: 'float32', stored: 'BF16', bytes: 2 });
  await weights.close();
});

it('reads the constants of an ONNX model', async () => {
  const graph = new Graph();
  const bias = float32([2], [1.5, -2]);
  graph.output('y', add(graph.input('x', 'float32', ['N', 2]), graph.constant(bias, 'fc.bias')));
  const weights = await openWeights(file(encodeModel(graph)));
  expect(weights.format).toBe('onnx');
  expect([...weights.tensors.keys()]).toEqual(['fc.bias']);
  expect(await weights.read('fc.bias')).toEqual(tensor('float32', [2], bias.data));
  await weights.close();
});

it.each<[string, Uint8Array | string, RegExp]>([
  ['an empty file', '', /is empty/],
  ['a web page', '<!DOCTYPE html><p>404', /is a web page/],
  ['a Git LFS pointer', 'version https://git-lfs.github.com/spec/v1\noid sha256:0', /Git LFS pointer/],
  ['text', 'import torch', /none of the known formats/],
  ['some other pickle', Uint8Array.from([0x80, 2, 0x4e, 0x2e]), /torch\.save did not write it/],
  ['the beginning of a zip archive', 'PK\u0003\u0004', /cannot open/],
  ['a damaged ONNX model', Uint8Array.from([8, 9, 0x3a, 0xff]), /./],
])('%s is refused', async (_, content, message) => {
  await expect(openWeights(file(content))).rejects.toMatchObject({
    kind: 'input',
    message: expect.stringMatching(message),
  });
});

it('a folder, a pipe and a missing file are refused', async () => {
  if (process.platform !== 'win32') {
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    await expect(openWeights(join(folder, 'pipe'))).rejects.toMatchObject({ kind: 'input' });
  }
  await expect(openWeights(folder)).rejects.toMatchObject({ kind: 'input' });
  await expect(openWeights(join(folder, 'none'))).rejects.toMatchObject({ kind: 'input' });
});
