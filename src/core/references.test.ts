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

describe('the options of an image folder', () => {
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
  ])('refuses %s', (name, message, hint) => {
    expect(() => parseDatasetReference(name)).toThrowError(
      expect.objectContaining({
        kind: 'input',
        message: expect.stringContaining(message),
        hint: expect.stringContaining(hint),
      }),
    );
  });
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
