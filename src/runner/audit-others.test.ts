import { expect, it } from 'vitest';
import { TriggerlabError } from '../core/errors.ts';
import { checkUsable } from './audit-others.ts';

const refusal = (names: string[], suspects = false) => {
  try {
    checkUsable(
      names.map((type) => ({ type })),
      suspects,
    );
    return undefined;
  } catch (error) {
    return error instanceof TriggerlabError ? `${error.kind}: ${error.message} ${error.hint}` : error;
  }
};

it('an audit takes the defences that a model and clean images are enough for', () => {
  expect(refusal(['neural-cleanse'])).toBeUndefined();
  expect(refusal(['abs', 'neural-cleanse'])).toBeUndefined();
  expect(refusal(['neural-cleanse', 'strip'], true)).toBeUndefined();
  expect(refusal(['fine-pruning'])).toMatch(/input: .*mends a network.* neural-cleanse, abs, strip/);
  expect(refusal(['abs', 'spectral-signatures'])).toMatch(/sifts the data/);
  expect(refusal(['strip'])).toMatch(/--suspects FOLDER/);
  expect(refusal(['neural-cleanse'], true)).toMatch(/only strip/);
  expect(refusal(['abs', 'abs'])).toMatch(/once/);
});
