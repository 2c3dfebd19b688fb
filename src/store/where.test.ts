import fc from 'fast-check';
import { expect, test } from 'vitest';
import { csvText, runsToCsv } from './csv.ts';
import { columnNames, flattenRun } from './flatten.ts';
import type { RunRecord } from './records.ts';
import { checkFields, matches, parseConditions } from './where.ts';

const record: RunRecord = {
  runId: 'abc',
  twinId: null,
  baseId: null,
  defense: null,
  spec: {
    dataset: 'mnist10k',
    model: 'resnet-mini',
    init: 'random',
    freeze: 'from:3',
    inputSize: 32,
    attack: { color: [1, 2, 3], type: 'badnets', size: 0.08, seed: 9, note: 'a "b", c' },
    poisonRate: 0.005,
    targetClass: 3,
    training: { optimizer: 'adam', learningRate: 0.001, momentum: 0, weightDecay: 0, epochs: 5, batchSize: 64 },
    seed: 1,
  },
  status: 'failed',
  metrics: null,
  environment: null,
  error: 'broke,\r\n"badly"',
  experiments: ['one', 'two'],
  startedAt: null,
  finishedAt: null,
};

const meets = (text: string) => matches(record, parseConditions(text));

test('conditions are all to be met, their values one of', () => {
  expect(meets('model=resnet-mini,seed=1')).toBe(true);
  expect(meets('model=resnet-mini,seed=2')).toBe(false);
  expect(meets('seed=3,2,1')).toBe(true);
  expect(meets('seed=2,seed=1')).toBe(true);
  expect(meets('freeze=from:3')).toBe(true);
});

test('numbers compare as numbers, lists as JSON, nothing as nothing', () => {
  for (const rate of ['0.005', '5e-3', '0.5%', '.00500']) expect(meets(`poisonRate=${rate}`)).toBe(true);
  for (const rate of ['0.5', '', 'x', '0.0050001', 'NaN']) expect(meets(`poisonRate=${rate}`)).toBe(false);
  expect(meets('color=[1, 2, 3],size=8%')).toBe(true);
  expect(meets('color=[1,2,4]')).toBe(false);
  expect(meets('asr=')).toBe(true);
  expect(meets('model=')).toBe(false);
});

test('a network stands for its variants; a variant, and the network as it comes, can be told', () => {
  const variant = { ...record, spec: { ...record.spec, model: 'alexnet-mini?dense=64&dropout=0' } };
  const plain = { ...record, spec: { ...record.spec, model: 'alexnet-mini' } };
  const which = (text: string) => [variant, plain].map((run) => matches(run, parseConditions(text)));
  expect(which('model=alexnet-mini')).toEqual([true, true]);
  expect(which('model=alexnet-mini?dense=64&dropout=0')).toEqual([true, false]);
  expect(which('model.dropout=0')).toEqual([true, false]);
  expect(which('model=alexnet-mini,model.dropout=default')).toEqual([false, true]);
  expect(which('model=alexnet-mini?dense=64')).toEqual([false, false]);
});

test('the trigger’s parameters go by their own name, or with attack. before it', () => {
  expect(meets('attack=badnets,attack.type=badnets,size=0.08,attack.size=0.08')).toBe(true);
  expect(meets('attack=blended')).toBe(false);
  expect(meets('seed=1,attack.seed=9')).toBe(true);
  expect(meets('experiment=two')).toBe(true);
  expect(meets('experiment=three')).toBe(false);
});

test('text without a field is refused, unknown fields get the nearest name', () => {
  for (const text of ['', 'model', '=3', ' =3', ',model=x']) expect(() => parseConditions(text)).toThrow(/field=value/);
  expect(checkFields('--where', ['attack.size', 'attack.type', 'seed'], [record])).toEqual(['size', 'attack', 'seed']);
  expect(() => checkFields('--where', ['poisonRat'], [record])).toThrow(
    expect.objectContaining({ kind: 'input', hint: 'Did you mean "poisonRate"?' }),
  );
});

test('what is written as conditions is read as these', () => {
  const name = fc.stringMatching(/^[a-z][a-zA-Z.]{0,8}$/);
  const value = fc.stringMatching(/^[a-z0-9.:%-]{0,8}$/);
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(name, fc.array(value, { minLength: 1, maxLength: 3 })), {
        minLength: 1,
        selector: ([field]) => field,
      }),
      (wanted) => {
        const text = wanted.map(([field, values]) => `${field}=${values.join(',')}`).join(',');
        expect(parseConditions(text)).toEqual(wanted.map(([field, values]) => ({ field, values })));
      },
    ),
  );
});

test('a run without a result has every field of the contract, null where nothing was measured', () => {
  const flat = flattenRun(record, 'two');
  expect(flat).toMatchObject({
    runId: 'abc',
    experiment: 'two',
    attack: { type: 'badnets', size: 0.08 },
    status: 'failed',
    cleanAccuracy: null,
    asr: null,
    asrInclusive: null,
    cleanBaselineAccuracy: null,
    cad: null,
    naturalAsr: null,
    effectivePixels: null,
    epochs: 5,
    seconds: null,
    imagesPerSecond: null,
  });
  expect(Object.keys(flat.attack)[0]).toBe('type');
  expect(flattenRun({ ...record, experiments: [] }).experiment).toBeNull();
  const clean = flattenRun({ ...record, spec: { ...record.spec, attack: { type: 'none' } } });
  const names = columnNames([clean, flat]);
  expect(names.slice(names.indexOf('attack'), names.indexOf('attack') + 5)).toEqual([
    'attack',
    'color',
    'size',
    'attack.seed',
    'note',
  ]);
});

/** A reader of RFC 4180. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  for (let at = 0; at < text.length; ) {
    let cell = '';
    if (text[at] === '"') {
      for (at++; text[at] !== '"' || text[at + 1] === '"'; at++) {
        if (text[at] === '"') at++;
        cell += text[at];
      }
      at++;
    } else {
      while (at < text.length && text[at] !== ',' && text[at] !== '\n') cell += text[at++];
    }
    rows[rows.length - 1].push(cell);
    if (text[at++] === '\n' && at < text.length) rows.push([]);
  }
  return rows;
}

test('CSV gives every cell back', () => {
  const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', ' ', '=', 'ζ') });
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell), { minLength: 1 }), (rows) => {
      expect(parseCsv(csvText(['a', 'b'], rows))).toEqual([['a', 'b'], ...rows]);
    }),
  );
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      expect(Number(parseCsv(csvText(['a'], [[value]]))[1][0])).toBe(value === 0 ? 0 : value);
    }),
  );
  const [header, row] = parseCsv(runsToCsv([flattenRun(record)]));
  expect(row[header.indexOf('error')]).toBe(record.error);
  expect(row[header.indexOf('note')]).toBe('a "b", c');
  expect(row[header.indexOf('asr')]).toBe('');
});
