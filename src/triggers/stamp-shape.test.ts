import { expect, it } from 'vitest';
import { badnets, badnetsParameters } from './badnets.ts';
import { stampShape } from './stamp-shape.ts';

const DIGITS = { height: 28, width: 28, channels: 1 } as const;

it('is the dataset’s own shape unless the trigger is stamped at input size', () => {
  expect(stampShape({ stampAt: 'native' }, DIGITS, 32)).toEqual(DIGITS);
  expect(stampShape({}, DIGITS, 32)).toEqual(DIGITS);
  expect(stampShape({ stampAt: 'input' }, DIGITS, 32)).toEqual({ height: 32, width: 32, channels: 3 });
});

it('lets a patch lie where only the resized image has pixels', () => {
  const place = { size: 0.08, position: { top: 29, left: 29 } };
  const input = badnetsParameters.parse({ ...place, stampAt: 'input' });
  expect(() => badnets.check(input, stampShape(input, DIGITS, 32))).not.toThrow();
  const native = badnetsParameters.parse({ ...place, stampAt: 'native' });
  expect(() => badnets.check(native, stampShape(native, DIGITS, 32))).toThrow('does not fit');
});
