import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fileTensor } from './file-tensor.ts';

let folder = '';
const path = () => join(folder, 'weights.bin');
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'file-tensor-'));
  const bytes = new Uint8Array(28);
  new Float32Array(bytes.buffer, 4, 3).set([1.5, -2, 3]);
  new BigInt64Array(bytes.buffer, 16, 1).set([-7n]);
  writeFileSync(path(), bytes);
});
afterAll(() => rmSync(folder, { recursive: true }));

it('reads its numbers when they are asked for, from any offset', () => {
  const tensor = fileTensor('float32', [3, 1], path(), 4);
  expect(tensor.place).toEqual({ path: path(), offset: 4, bytes: 12 });
  expect(tensor.data).toEqual(Float32Array.of(1.5, -2, 3));
  expect(fileTensor('int64', [], path(), 16).data).toEqual(BigInt64Array.of(-7n));
  expect(fileTensor('float32', [0], path(), 4).data).toEqual(new Float32Array(0));
});

it('says what is wrong with the file', () => {
  expect(() => fileTensor('float32', [6], path(), 8).data).toThrow(
    expect.objectContaining({ kind: 'failed', message: `cannot read ${path()}: it ends 4 bytes too early` }),
  );
  expect(() => fileTensor('float32', [1], join(folder, 'gone.bin'), 0).data).toThrow(
    expect.objectContaining({ kind: 'failed', message: expect.stringContaining('ENOENT') }),
  );
});
