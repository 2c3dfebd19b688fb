import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TriggerlabError } from '../../core/errors.ts';
import { Rng } from '../../core/rng.ts';
import { float32, sizeOf, type Tensor, tensor } from '../../core/tensor.ts';
import { decodeSafetensors, encodeSafetensors } from './safetensors.ts';

const decode = (bytes: Uint8Array) => decodeSafetensors(bytes, 'model.safetensors');

/** A file with this header (an object, or text as it stands) and so many bytes of data. */
function file(header: unknown, dataBytes = 0): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

/** The message and kind of what decoding throws; undefined when it does not. */
function complaint(bytes: Uint8Array): string | undefined {
  try {
    decode(bytes);
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(TriggerlabError);
    const { kind, message } = error as TriggerlabError;
    expect(kind).toBe('input');
    expect(message).toContain('model.safetensors is not a valid safetensors file: ');
    return message.replace('model.safetensors is not a valid safetensors file: ', '');
  }
}

const tensors: fc.Arbitrary<Tensor> = fc
  .tuple(
    fc.constantFrom('float32' as const, 'int64' as const, 'uint8' as const),
    fc.array(fc.nat(3), { maxLength: 3 }),
    fc.nat(),
  )
  .map(([dtype, shape, seed]) => {
    const rng = Rng.of(seed);
    const values = Array.from({ length: sizeOf(shape) }, () => rng.int(0, 255));
    if (dtype === 'int64') return tensor('int64', shape, BigInt64Array.from(values, BigInt));
    return dtype === 'uint8' ? tensor('uint8', shape, Uint8Array.from(values)) : float32(shape, values);
  });
const names = fc.oneof(
  fc.string({ maxLength: 12, unit: 'binary' }).filter((name) => name.isWellFormed() && name !== '__metadata__'),
  fc.constantFrom('__proto__', 'constructor', 'toString', 'größe', '1', 'layer1.0.conv1.weight'),
);

describe('safetensors', () => {
  it('come back as they were, whatever their names, from a Buffer too', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(names, tensors), { selector: ([name]) => name, maxLength: 5 }), (entries) => {
        const given: Record<string, Tensor> = Object.create(null);
        for (const [name, value] of entries) given[name] = value;
        const bytes = encodeSafetensors(given, { made: 'hère' });
        expect(new DataView(bytes.buffer).getUint32(0, true) % 8).toBe(0);
        const pooled = Buffer.concat([Buffer.from('odd'), bytes]).subarray(3);
        for (const decoded of [decode(bytes), decode(pooled)]) {
          expect(Object.keys(decoded.tensors).sort()).toEqual(Object.keys(given).sort());
          for (const [name, value] of entries) expect(decoded.tensors[name]).toEqual(value);
          expect(decoded.metadata).toEqual({ made: 'hère' });
        }
      }),
    );
    expect(({} as Record<string, unknown>).dtype).toBeUndefined();
  });

  it('are the same bytes for the same tensors in any order', () => {
    const [a, b] = [float32([2], [1, 2]), float32([1], [3])];
    expect(encodeSafetensors({ a, b })).toEqual(encodeSafetensors({ b, a }));
  });

  it('are what the format says', () => {
    const bytes = file({ x: { dtype: 'F32', shape: [2], data_offsets: [0, 8] } }, 8);
    new DataView(bytes.buffer).setFloat32(bytes.length - 4, 1.5, true);
    expect(decode(bytes)).toEqual({ tensors: { x: float32([2], [0, 1.5]) }, metadata: {} });
    expect(decode(file({})).tensors).toEqual({});
  });
});

describe('broken safetensors', () => {
  const one = (entry: object) => ({ x: { dtype: 'F32', shape: [2], data_offsets: [0, 8], ...entry } });
  const outside = 'tensor "x" lies outside the file or does not fill its shape';

  it.each([
    ['empty', new Uint8Array(0), 'only 0 bytes'],
    ['a huge header', new Uint8Array(16).fill(255), 'a header of 18446744073709551615 bytes'],
    ['a header beyond the end', file('{}').subarray(0, 9), 'a header of 2 bytes'],
    ['no JSON', file('{"a":'), 'its header is not JSON'],
    ['no UTF-8', file({}).fill(255, 8), 'its header is not JSON'],
    ['a list', file([]), 'its header is not a JSON object'],
    ['null', file('null'), 'its header is not a JSON object'],
    ['an empty entry', file({ x: null }), 'tensor "x" has no description'],
    ['an unknown type', file(one({ dtype: 'F8' }), 8), 'tensor "x" has element type "F8"'],
    ['a type of the prototype', file(one({ dtype: 'constructor' }), 8), 'tensor "x" has element type "constructor"'],
    ['a shape that is not a number', file(one({ shape: [null] }), 8), 'tensor "x" has no shape'],
    ['NaN in a shape', file('{"x":{"dtype":"F32","shape":[NaN],"data_offsets":[0,8]}}', 8), 'its header is not JSON'],
    ['a negative shape', file(one({ shape: [-2] }), 8), 'tensor "x" has no shape'],
    ['half a dimension', file(one({ shape: [0.5] }), 8), 'tensor "x" has no shape'],
    ['a shape like an array', file(one({ shape: { length: 1, 0: 2 } }), 8), 'tensor "x" has no shape'],
    ['too many dimensions', file(one({ shape: Array(17).fill(1) }), 8), 'tensor "x" has no shape'],
    ['a shape beyond counting', file(one({ shape: [2 ** 52, 2 ** 52] }), 8), outside],
    ['no offsets', file(one({ data_offsets: undefined }), 8), 'tensor "x" has no place in the file'],
    ['offsets beyond the end', file(one({ data_offsets: [8, 16] }), 8), outside],
    ['offsets backwards', file(one({ data_offsets: [8, 0] }), 8), outside],
    ['offsets that do not fit the shape', file(one({ data_offsets: [0, 4] }), 4), outside],
    ['bytes of no tensor', file(one({}), 9), '1 bytes belong to no tensor'],
    ['a gap', file(one({ data_offsets: [4, 12] }), 12), 'its tensors overlap or leave gaps'],
    [
      'tensors that overlap',
      file({ ...one({}), y: { dtype: 'U8', shape: [8], data_offsets: [0, 8] } }, 8),
      'its tensors overlap or leave gaps',
    ],
    ['an entry for __proto__', file('{"__proto__":{"polluted":1}}'), 'tensor "__proto__" has no element type'],
  ])('%s', (_, bytes, message) => {
    expect(complaint(bytes)).toContain(message);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it('nested deeper than any stack', () => {
    const deep = `${'['.repeat(500_000)}${']'.repeat(500_000)}`;
    expect(complaint(file(`{"x":{"dtype":${deep},"shape":[],"data_offsets":[0,4]}}`, 4))).toContain('no element type');
    expect(complaint(file(`{"x":{"dtype":"F32","shape":${deep},"data_offsets":[0,4]}}`, 4))).toContain('has no shape');
    expect(complaint(file(`{"x":${deep}}`))).toContain('has no element type');
  });

  it('many tensors of the same bytes: refused before any is copied', () => {
    const entry = { dtype: 'U8', shape: [1_000_000], data_offsets: [0, 1_000_000] };
    const header = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`t${i}`, entry]));
    expect(complaint(file(header, 1_000_000))).toBe('its tensors overlap or leave gaps');
  });

  it('a valid file with bytes changed, cut, doubled or added: read or refused, never anything else', () => {
    const valid = encodeSafetensors(
      {
        'conv.weight': float32([2, 1, 3], [1, 2, 3, 4, 5, 6]),
        bias: float32([2], [0.5, 1]),
        n: tensor('int64', [], BigInt64Array.of(3n)),
      },
      { format: 'pt' },
    );
    const at = fc.nat(valid.length - 1);
    const mutation = fc.oneof(
      fc.tuple(fc.constant('set' as const), at, fc.nat(255)),
      fc.tuple(fc.constant('digit' as const), at, fc.nat(9)),
      fc.tuple(fc.constant('cut' as const), at, fc.nat(20)),
      fc.tuple(fc.constant('double' as const), at, fc.nat(20)),
      fc.tuple(fc.constant('add' as const), at, fc.nat(255)),
    );
    const apply = (bytes: number[], [kind, place, value]: [string, number, number]) => {
      const digits = bytes.flatMap((byte, i) => (byte >= 0x30 && byte <= 0x39 && i >= 8 ? [i] : []));
      if (kind === 'set') bytes[place] = value;
      else if (kind === 'digit' && digits.length > 0) bytes[digits[place % digits.length]] = 0x30 + value;
      else if (kind === 'cut') bytes.splice(place, value);
      else if (kind === 'double') bytes.splice(place, 0, ...bytes.slice(place, place + value));
      else if (kind === 'add') bytes.push(value);
    };
    let refused = 0;
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (mutations) => {
        const bytes = [...valid];
        for (const change of mutations) apply(bytes, change);
        if (complaint(Uint8Array.from(bytes)) !== undefined) refused++;
      }),
      { numRuns: 1500 },
    );
    expect(refused).toBeGreaterThan(700);
  });
});
