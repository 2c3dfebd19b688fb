import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, JsonText, portableSha256Hex, sha256Bytes, sha256Hex } from './hash.ts';

describe('sha256', () => {
  it('is SHA-256 of bytes and of UTF-8', () => {
    // FIPS 180-2, appendix B.1.
    expect(sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(sha256Hex(new Uint8Array([0x61, 0x62, 0x63]))).toBe(sha256Hex('abc'));
    expect(sha256Hex('é')).toBe(sha256Hex(new Uint8Array([0xc3, 0xa9])));
    expect(Buffer.from(sha256Bytes('abc')).toString('hex')).toBe(sha256Hex('abc'));
  });

  it('is the same in Node and in a browser', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.uint8Array()), (data) => {
        expect(portableSha256Hex(data)).toBe(sha256Hex(data));
      }),
    );
  });
});

describe('canonicalJson', () => {
  it('takes text that is there already for its value', () => {
    const inner = { b: [1, { d: null, c: 'ü' }], a: 0.1 };
    expect(canonicalJson({ z: 1, y: new JsonText(inner) })).toBe(canonicalJson({ z: 1, y: inner }));
  });

  /** The same value with the members of every object in reverse order. */
  function reversed(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(reversed);
    if (value === null || typeof value !== 'object') return value;
    const entries = Object.entries(value).map(([key, member]) => [key, reversed(member)]);
    return Object.fromEntries(entries.reverse());
  }

  it('does not depend on the order of members, and says the value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(reversed(value))).toBe(text);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('sorts at every depth, keeps lists in order and leaves undefined out', () => {
    expect(canonicalJson({ b: [2, 1, { d: null, c: 'x"' }], a: undefined, A: 0.1 })).toBe(
      '{"A":0.1,"b":[2,1,{"c":"x\\"","d":null}]}',
    );
    expect(canonicalJson(-0)).toBe('0');
  });

  it.each([
    [Number.NaN],
    [Number.POSITIVE_INFINITY],
    [() => 1],
    [undefined],
    [[undefined]],
    [{ a: { b: Number.NaN } }],
  ])('refuses %j', (value) => {
    expect(() => canonicalJson(value)).toThrow(TypeError);
  });
});
