// Damaged and hostile PyTorch files: a clear refusal or a file of tensors, nothing else, and no more memory than a file warrants.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { zipOf } from '../../../test/support/zip-file.ts';
import { TriggerlabError } from '../../core/errors.ts';
import { openWeights } from './open-weights.ts';

const fixtures = fileURLToPath(new URL('../../../test/fixtures/pth/', import.meta.url));
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'triggerlab-pth-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Opens a file with these bytes and reads every tensor; the message when it is refused. */
async function complaint(bytes: Uint8Array): Promise<string | undefined> {
  const path = join(folder, 'file.pth');
  writeFileSync(path, bytes);
  try {
    const weights = await openWeights(path);
    try {
      for (const name of weights.tensors.keys()) await weights.read(name);
    } finally {
      await weights.close();
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof TriggerlabError)) throw error;
    expect(error.kind).toBe('input');
    expect(error.message).toContain(path);
    return error.message;
  }
}

describe('a valid file with bytes set, cut, doubled or inserted', () => {
  type Mutation = readonly [kind: 'set' | 'cut' | 'double' | 'insert', place: number, value: number];
  const mutated = (valid: Buffer, mutations: readonly Mutation[]) => {
    let bytes = valid;
    for (const [kind, place, value] of mutations) {
      const at = Math.min(place, bytes.length - 1);
      const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
      if (kind === 'set') bytes = Buffer.concat([before, Buffer.of(value), after.subarray(1)]);
      else if (kind === 'cut') bytes = Buffer.concat([before, after.subarray(value)]);
      else if (kind === 'double') bytes = Buffer.concat([before, after.subarray(0, value), after]);
      else bytes = Buffer.concat([before, Buffer.of(value), after]);
      if (bytes.length === 0) bytes = Buffer.of(0);
    }
    return bytes;
  };

  it.each([
    ['zip.pth', 1000],
    ['legacy.pth', 1000],
    ['tar.pth', 300],
    ['deflated.pth', 300],
    ['wrapped-protocol4.pth', 300],
  ])('%s', async (file, numRuns) => {
    const valid = readFileSync(join(fixtures, file));
    const kinds = fc.constantFrom('set' as const, 'cut' as const, 'double' as const, 'insert' as const);
    // Headers and pickles lie at the ends of files: mutations there count more than among the numbers.
    const place = fc.oneof(
      fc.nat(valid.length - 1),
      fc.nat(2000),
      fc.nat(2000).map((n) => valid.length - 1 - n),
    );
    const mutation = fc.tuple(kinds, place, fc.nat(255));
    const memory = process.memoryUsage().rss;
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 3 }), async (mutations) => {
        if ((await complaint(mutated(valid, mutations))) !== undefined) refused++;
      }),
      { numRuns },
    );
    expect(refused).toBeGreaterThan(numRuns / 3);
    expect(process.memoryUsage().rss - memory).toBeLessThan(500e6);
  });
});

it('names the file, whichever reader its first bytes choose', async () => {
  // Begins as ONNX models do, and is no protobuf message.
  expect(await complaint(Buffer.from([0x08, 0x07, 0xff, 0xff, 0xff]))).toMatch(/not an ONNX model/);
});

/** A pickle of `{"w": tensor}` whose storage, size and strides are given as pickled parts. */
function tensorPickle({
  length = 'K\x04',
  offset = 'K\x00',
  shape = 'K\x02K\x02',
  strides = 'K\x02K\x01',
} = {}): Buffer {
  const storage = `(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpu${length}tQ`;
  const tensor = `ctorch._utils\n_rebuild_tensor_v2\n(${storage}${offset}(${shape}t(${strides}t\x89NtR`;
  return Buffer.from(`\x80\x02}U\x01w${tensor}s.`, 'latin1');
}
const archive = (pickle: Buffer, more: Record<string, string | Buffer> = {}) =>
  zipOf({ 'a/data.pkl': pickle, 'a/byteorder': 'little', 'a/data/0': Buffer.alloc(16), ...more });
/** LONG1 of 2^40 and of 2^60. */
const LARGE = '\x8a\x06\0\0\0\0\0\x01';
const HUGE = '\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x10';

describe('a hostile archive', () => {
  it('is built on one that is read', async () => {
    expect(await complaint(archive(tensorPickle()))).toBeUndefined();
    expect(await complaint(archive(tensorPickle({ strides: 'K\x01K\x02' })))).toBeUndefined();
  });

  it.each<[string, RegExp, () => Buffer]>([
    ['a storage of 2^60 elements', /no size|too|natural/, () => archive(tensorPickle({ length: HUGE }))],
    ['a storage of 2^40 elements', /has 16 bytes/, () => archive(tensorPickle({ length: LARGE }))],
    ['a storage with fewer bytes', /has 12 bytes/, () => archive(tensorPickle(), { 'a/data/0': Buffer.alloc(12) })],
    ['strides outside the storage', /reaches beyond/, () => archive(tensorPickle({ strides: 'K\xffK\x01' }))],
    ['an offset outside the storage', /reaches beyond/, () => archive(tensorPickle({ offset: 'K\x01' }))],
    ['a negative stride', /natural/, () => archive(tensorPickle({ strides: 'J\xff\xff\xff\xffK\x01' }))],
    [
      'a huge tensor of one element',
      /reaches beyond/,
      () => archive(tensorPickle({ shape: `${LARGE}K\x01`, strides: 'K\x00K\x00' })),
    ],
    [
      'a shape beyond counting',
      /natural|reaches/,
      () => archive(tensorPickle({ shape: HUGE.repeat(2), strides: 'K\x00K\x00' })),
    ],
    ['fewer strides than dimensions', /no shape/, () => archive(tensorPickle({ strides: 'K\x01' }))],
    [
      'a tensor of 100 dimensions',
      /no shape/,
      () => archive(tensorPickle({ shape: 'K\x01'.repeat(100), strides: 'K\x01'.repeat(100) })),
    ],
    [
      'a storage key that points elsewhere',
      /has no bytes/,
      () => archive(Buffer.from(tensorPickle().toString('latin1').replace('U\x010', 'U\x05../..'), 'latin1')),
    ],
    ['big-endian numbers', /byte order is "big"/, () => archive(tensorPickle(), { 'a/byteorder': 'big' })],
    ['two pickles', /2 entries called data\.pkl/, () => archive(tensorPickle(), { 'b/data.pkl': 'x' })],
    ['no pickle', /0 entries called data\.pkl/, () => zipOf({ x: '1' })],
    ['no tensors', /no state dict/, () => archive(Buffer.from('}.'))],
    ['a list', /no state dict/, () => archive(Buffer.from('].'))],
    [
      'os.system',
      /asks for "os\.system".*nothing in it was executed/,
      () => archive(Buffer.from('cos\nsystem\n(Vls\ntR.')),
    ],
    [
      'several checkpoints',
      /several dictionaries.*: b, c/,
      () => {
        const inner = tensorPickle().toString('latin1').slice(2, -1);
        return archive(Buffer.from(`}(U\x01b${inner}U\x01c${inner}u.`, 'latin1'));
      },
    ],
    [
      'one long dictionary under many names',
      /several dictionaries/,
      () => {
        const tensor = tensorPickle().toString('latin1').slice('\x80\x02}U\x01w'.length, -2);
        const inner = `U\x01wq\x01${tensor}q\x02}q\x03(${'h\x01h\x02'.repeat(90_000)}u`;
        const names = Array.from({ length: 1000 }, (_, i) => `U\x04${i + 1000}h\x03`).join('');
        return archive(Buffer.from(`${inner}}(${names}u.`, 'latin1'));
      },
    ],
    [
      'a small tensor spread over a large storage',
      /4 elements is spread over 80000008 bytes/,
      () => {
        const strides = 'J\x00\x2d\x31\x01K\x01';
        const pickle = tensorPickle({ length: 'J\x02\x2d\x31\x01', strides, shape: 'K\x02K\x02' });
        return archive(pickle, { 'a/data/0': Buffer.alloc(4 * 20_000_002) });
      },
    ],
    ['more entries than any network has', /1000000 entries|cannot open/, () => manyEntries(1_000_000)],
    ['a pickle that unpacks to a gigabyte', /data\.pkl.*is 1073741824 bytes long/, bomb],
  ])('%s', async (_, message, make) => {
    const started = performance.now();
    expect(await complaint(make())).toMatch(message);
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

it('a legacy file with one storage under two places is refused', async () => {
  const legacy = (keys: string) => {
    const head = '\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.M\xe9\x03.}U\x0dlittle_endian\x88s.';
    const storage = Buffer.alloc(24);
    storage.writeBigInt64LE(4n);
    const parts = [Buffer.from(`\x80\x02${head}`, 'latin1'), tensorPickle(), Buffer.from(`](${keys}e.`, 'latin1')];
    return Buffer.concat([...parts, storage, storage]);
  };
  expect(await complaint(legacy('U\x010'))).toBeUndefined();
  expect(await complaint(legacy('U\x010U\x010'))).toMatch(/storage 0 is there twice/);
});

/** The end of an archive in zip64 form that says it has so many entries. */
function manyEntries(count: number): Buffer {
  const zip = zipOf({ x: '1' });
  const end = zip.subarray(zip.length - 22);
  const directory = end.readUInt32LE(16);
  const end64 = Buffer.alloc(56);
  end64.write('PK\x06\x06', 'latin1');
  end64.writeBigUInt64LE(44n, 4);
  for (const at of [24, 32]) end64.writeBigUInt64LE(BigInt(count), at);
  end64.writeBigUInt64LE(BigInt(end.readUInt32LE(12)), 40);
  end64.writeBigUInt64LE(BigInt(directory), 48);
  const locator = Buffer.alloc(20);
  locator.write('PK\x06\x07', 'latin1');
  locator.writeBigUInt64LE(BigInt(zip.length - 22), 8);
  locator.writeUInt32LE(1, 16);
  const old = Buffer.from(end);
  old.writeUInt16LE(0xffff, 8);
  old.writeUInt16LE(0xffff, 10);
  old.writeUInt32LE(0xffffffff, 16);
  return Buffer.concat([zip.subarray(0, zip.length - 22), end64, locator, old]);
}

/** An archive whose data.pkl is a gigabyte of zeros, a megabyte packed. */
function bomb(): Buffer {
  const zip = zipOf({ 'a/data.pkl': Buffer.alloc(2 ** 20) }, 'deflated');
  const packed = deflateRawSync(Buffer.alloc(2 ** 20)).length;
  // Both headers say 2^30 bytes instead of 2^20.
  zip.writeUInt32LE(2 ** 30, 22);
  zip.writeUInt32LE(2 ** 30, 30 + 'a/data.pkl'.length + packed + 24);
  return zip;
}
