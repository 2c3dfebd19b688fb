import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TriggerlabError } from './errors.ts';
import { registry } from './registry.ts';
import { didYouMean, nearest } from './suggest.ts';

const NAMES = ['alexnet-mini', 'resnet-mini', 'mnist10k', 'shapes', 'sgd'];

describe('nearest', () => {
  it.each([
    ['alexnet-mini', 'alexnet-mini'],
    ['alexnetmini', 'alexnet-mini'],
    ['AlexNet_Mini', 'alexnet-mini'],
    ['resnt-mini', 'resnet-mini'],
    ['shape', 'shapes'],
    ['minst10k', 'mnist10k'],
    ['sdg', 'sgd'],
    ['mnist', 'mnist10k'],
    ['ResNet', 'resnet-mini'],
    ['vit', undefined],
    ['', undefined],
    ['imagenet-large', undefined],
  ])('%j → %j', (given, expected) => {
    expect(nearest(given, NAMES)).toBe(expected);
  });

  it('finds a name with one letter lost, and takes any text', () => {
    fc.assert(
      fc.property(fc.constantFrom(...NAMES.filter((name) => name.length > 4)), fc.nat(), (name, at) => {
        const i = at % name.length;
        expect(nearest(name.slice(0, i) + name.slice(i + 1), NAMES)).toBe(name);
      }),
    );
    fc.assert(
      fc.property(fc.string({ maxLength: 80, unit: 'binary' }), (text) => {
        expect([undefined, ...NAMES]).toContain(nearest(text, NAMES));
      }),
    );
    expect(nearest('x'.repeat(1_000_000), NAMES)).toBeUndefined();
  });
});

describe('registry', () => {
  const things = registry('thing', [{ name: 'one' }, { name: 'other' }]);

  it('finds by name', () => {
    expect(things.get('one')).toBe(things.all[0]);
    expect(things.names).toEqual(['one', 'other']);
    expect(things.has('other')).toBe(true);
    expect(things.has('constructor')).toBe(false);
  });

  it('says what was meant, or what there is', () => {
    const problem = (name: string) => {
      try {
        return things.get(name);
      } catch (error) {
        return error instanceof TriggerlabError ? `${error.kind}: ${error.message} ${error.hint}` : error;
      }
    };
    expect(problem('othre')).toBe('input: unknown thing "othre" Did you mean "other"?');
    expect(problem('__proto__')).toBe('input: unknown thing "__proto__" Known: one, other.');
    expect(didYouMean('zzzzzz', ['a', 'b'])).toBe('Known: a, b.');
  });
});
