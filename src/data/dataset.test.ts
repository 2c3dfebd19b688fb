import { describe, expect, it } from 'vitest';
import { memorySource } from './dataset.ts';

const SHAPE = { height: 1, width: 2, channels: 1 } as const;

describe('memorySource', () => {
  const source = memorySource(SHAPE, Uint8Array.of(1, 2, 3, 4, 5, 6), Uint16Array.of(7, 8, 9));

  it('reads rows in the order asked for, repeats included', () => {
    expect([...source.read([2, 0, 2])]).toEqual([5, 6, 1, 2, 5, 6]);
    expect(source.count).toBe(3);
  });

  it('reads into a given buffer', () => {
    const out = new Uint8Array(2);
    expect(source.read([1], out)).toBe(out);
    expect([...out]).toEqual([3, 4]);
    expect(() => source.read([0, 1], out)).toThrow(RangeError);
  });

  it.each([-1, 3, 0.5, Number.NaN])('refuses row %s', (row) => {
    expect(() => source.read([row])).toThrow(/row .* is not a whole number in \[0, 3\)/);
  });

  it('refuses pixels that do not match the labels', () => {
    expect(() => memorySource(SHAPE, new Uint8Array(5), new Uint16Array(3))).toThrow('3 images of 2 bytes need 6');
  });
});
