import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TriggerlabError } from './errors.ts';
import {
  datasetLabel,
  formatDatasetReference,
  isDatasetReference,
  isModelReference,
  modelLabel,
  parseDatasetReference,
} from './references.ts';

describe('names that stand for files', () => {
  it.each(['./birds', 'a/b', 'birds/', 'birds.zip', 'BIRDS.ZIP', 'birds.zip?train=5', 'C:\\birds'])(
    '%s is an image folder',
    (name) => {
      expect(isDatasetReference(name)).toBe(true);
    },
  );
  it.each(['mnist10k', 'shapes', 'zip', 'birds.zipper', ''])('"%s" is none', (name) => {
    expect(isDatasetReference(name)).toBe(false);
  });
  it('knows ONNX files by their ending', () => {
    expect(['a.onnx', './a.ONNX', 'a.onnx.zip', 'onnx'].map(isModelReference)).toEqual([true, true, false, false]);
  });
  it('shows the last part of a path, with the options', () => {
    expect(datasetLabel('/data/birds.zip?train=5&test=2')).toBe('birds.zip?train=5&test=2');
    expect(datasetLabel('../data/birds/?size=32')).toBe('birds/?size=32');
    expect(datasetLabel('mnist10k')).toBe('mnist10k');
    expect(datasetLabel(datasetLabel('./birds'))).toBe('birds/');
    expect(modelLabel('../models/net.onnx')).toBe('net.onnx');
    expect(modelLabel('resnet-mini')).toBe('resnet-mini');
  });
});

describe('the options of a dataset', () => {
  it('reads and writes them in one order', () => {
    const reference = parseDatasetReference('./birds.zip?train=5000&size=32&test=2000');
    expect(reference).toEqual({ path: './birds.zip', options: { train: 5000, test: 2000, size: 32 } });
    expect(formatDatasetReference(reference)).toBe('./birds.zip?size=32&test=2000&train=5000');
    expect(parseDatasetReference('./birds').options).toEqual({});
  });
  it.each([
    ['x.zip?trian=5', 'unknown option "trian"', 'Did you mean "train"?'],
    ['x.zip?train', 'train "", expected a whole number from 1', 'x.zip?train=1000'],
    ['x.zip?train=0', 'train "0"', 'x.zip?train=1000'],
    ['x.zip?train=1e3', 'train "1e3"', 'x.zip?train=1000'],
    ['x.zip?size=4', 'expected a whole number from 8 to 1024', 'x.zip?size=32'],
    ['x.zip?test=5&test=6', 'test is given twice', 'Keep one'],
    ['mnist?classes=1', 'expected at least two', 'mnist?classes=0+1'],
    ['mnist?classes=a,a', 'listed twice', ''],
    ['mnist?classes=%+b', '"%" is no name', '%25'],
    ['mnist?limit=5&perClass=5', 'cannot stand together', 'Keep one'],
    ['mnist?limit=5&test=5&train=5', 'limit has no effect', 'Take it out'],
  ])('refuses %s', (name, message, hint) => {
    expect(() => parseDatasetReference(name)).toThrowError(
      expect.objectContaining({
        kind: 'input',
        message: expect.stringContaining(message),
        ...(hint === '' ? {} : { hint: expect.stringContaining(hint) }),
      }),
    );
  });
  it('has one spelling of a choice of classes, and none for the neutral seed', () => {
    const spelled = (written: string | object) => formatDatasetReference(parseDatasetReference(written));
    expect(spelled('mnist?perClass=5&classes=10,9+b,a&seed=0')).toBe('mnist?classes=9+10+a+b&perClass=5');
    expect(spelled({ name: 'mnist', seed: 3, classes: [1, 0], perClass: 5 })).toBe(
      'mnist?classes=0+1&perClass=5&seed=3',
    );
    const odd = spelled({ path: './x', classes: ['a+b', 'c/d?', '100%'] });
    expect(parseDatasetReference(odd)).toEqual({ path: './x', options: { classes: ['100%', 'a+b', 'c/d?'] } });
    expect(isDatasetReference('mnist?classes=a/b+c')).toBe(false);
    expect(datasetLabel(spelled({ path: 'a/b.zip', limit: 9 }))).toBe('b.zip?limit=9');
  });
  it.each([[{ perClass: 5 }], [{ name: 'x', path: 'y' }], [{ name: 'x?limit=5' }], [{ name: 5 }]])(
    'refuses %j',
    (written) => {
      expect(() => parseDatasetReference(written)).toThrow('a dataset is {name: …} or {path: …}');
    },
  );
  it('gives back what it was given, and answers anything else with an error for the user', () => {
    const option = (least: number, most: number) =>
      fc.option(fc.integer({ min: least, max: most }), { nil: undefined });
    fc.assert(
      fc.property(
        fc.string().filter((path) => !path.includes('?')),
        fc.record({ train: option(1, 1_000_000), test: option(1, 1_000_000), size: option(8, 1024) }),
        (path, options) => {
          const known = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
          const text = formatDatasetReference({ path, options: known });
          expect(parseDatasetReference(text)).toEqual({ path, options: known });
        },
      ),
    );
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('?', '&', '=', 't', 'train', 'size', '1', '/', '\n') }), (text) => {
        try {
          parseDatasetReference(text);
        } catch (error) {
          expect(error).toBeInstanceOf(TriggerlabError);
        }
      }),
    );
  });
});
