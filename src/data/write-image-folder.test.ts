import { describe, expect, it } from 'vitest';
import { classFolders } from './write-image-folder.ts';

describe('classFolders', () => {
  it('keeps names that sort as they are numbered', () => {
    expect(classFolders(['0', '1', '2'])).toEqual(['0', '1', '2']);
    expect(classFolders(['airplane', 'automobile', 'bird'])).toEqual(['airplane', 'automobile', 'bird']);
  });

  it.each([
    [
      ['T-shirt/top', 'Trouser'],
      ['0-T-shirt-top', '1-Trouser'],
    ],
    [
      ['dog', 'cat'],
      ['0-dog', '1-cat'],
    ],
    [
      ['../../etc', '..'],
      ['0-etc', '1'],
    ],
    [
      ['A', 'a'],
      ['0-A', '1-a'],
    ],
    [
      ['.hidden', 'b'],
      ['0-hidden', '1-b'],
    ],
  ])('numbers those that do not, or are no file names: %j', (classes, expected) => {
    expect(classFolders(classes)).toEqual(expected);
  });

  it('numbers with as many digits as are needed', () => {
    const folders = classFolders(Array.from({ length: 11 }, (_, i) => `class ${i}`));
    expect(folders[2]).toBe('02-class-2');
    expect([...folders].sort()).toEqual(folders);
  });
});
