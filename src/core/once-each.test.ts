import { expect, test, vi } from 'vitest';
import { onceEach } from './once-each.ts';

test('works out an answer once for each question, an undefined one too', () => {
  const work = vi.fn((text: string) => (text === '' ? undefined : text.length));
  const known = onceEach(work);
  expect(['a', '', 'bc', 'a', ''].map(known)).toEqual([1, undefined, 2, 1, undefined]);
  expect(work).toHaveBeenCalledTimes(3);
});
