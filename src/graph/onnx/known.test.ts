// Computations on shapes, symbolic batch included.
import { expect, it } from 'vitest';
import { int64 } from '../../core/tensor.ts';
import { binaryKnown, gatherKnown, knownOf, knownVector, reshapeNumbers, sliceKnown, whereKnown } from './known.ts';

const vector = knownVector;
const dims = (known: { dims: readonly unknown[] } | undefined) => known?.dims;

it('multiplies and divides with names', () => {
  expect(dims(binaryKnown('Mul', vector(['N', 3]), vector([64])))).toEqual(['64*N', 192]);
  expect(dims(binaryKnown('Div', vector(['64*N', 7]), vector([64, 2])))).toEqual(['N', 3]);
  expect(binaryKnown('Div', vector(['N']), vector([2]))).toBeUndefined();
  expect(binaryKnown('Div', vector([3]), vector([0]))).toBeUndefined();
  expect(binaryKnown('Add', vector(['N']), vector([1]))).toBeUndefined();
  expect(dims(binaryKnown('Equal', vector(['N', -1]), vector([-1])))).toEqual([0, 1]);
});

it('takes elements', () => {
  expect(dims(gatherKnown(vector(['N', 3, 8]), vector([-1, 0])))).toEqual([8, 'N']);
  expect(gatherKnown(vector([1]), vector([4]))).toBeUndefined();
  expect(dims(sliceKnown(vector(['N', 3, 8, 9]), 2, 2 ** 40, 1))).toEqual([8, 9]);
  expect(dims(sliceKnown(vector([1, 2, 3]), -1, -(2 ** 40), -2))).toEqual([3, 1]);
  expect(dims(whereKnown(vector([1, 0], 'bool'), vector(['N', 'N']), vector([5])))).toEqual(['N', 5]);
});

it('holds numbers that stand for infinity to what is exact', () => {
  expect(dims(knownOf(int64([2], [5, 2 ** 53 - 1])))).toEqual([5, 2 ** 53 - 1]);
  expect(knownOf({ dtype: 'int64', shape: [1], data: BigInt64Array.of(2n ** 63n - 1n) })?.dims).toEqual([2 ** 53 - 1]);
});

it('says to Reshape what is symbolic', () => {
  expect(reshapeNumbers(['N', 4, 2, 2], ['N', 16], undefined)).toEqual([0, 16]);
  expect(reshapeNumbers(['N', 4, 8], ['4*N', 8], undefined)).toEqual([-1, 8]);
  expect(() => reshapeNumbers(['N', 4], ['M', 'K'], undefined)).toThrow('cannot reshape');
});

it('understands a fixed batch as any', () => {
  expect(reshapeNumbers(['N', 4, 2, 2], [1, 16], 1)).toEqual([0, 16]);
  expect(reshapeNumbers(['N', 4, 2, 2], [1, -1], 1)).toEqual([0, -1]);
  expect(reshapeNumbers(['N', 4, 2, 2], [-1, 16], 1)).toEqual([-1, 16]);
  // The batch merged into the first dimension, and taken apart again.
  expect(reshapeNumbers(['N', 4, 8], [4, 8], 1)).toEqual([-1, 8]);
  expect(reshapeNumbers(['4*N', 8], [1, 4, 8], 1)).toEqual([-1, 4, 8]);
  expect(reshapeNumbers(['N', 4, 2, 2], [1, 16], undefined)).toEqual([1, 16]);
});
