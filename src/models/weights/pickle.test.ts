import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unpickle } from './pickle.ts';
import { PickleError } from './pickle-input.ts';
import { ForbiddenGlobal } from './pickle-machine.ts';
import type { PickleValue } from './pickle-values.ts';
import { TORCH_GLOBALS } from './torch-objects.ts';

type Part = string | number | readonly number[];
/** Bytes out of text (Latin-1), single bytes and lists of bytes. */
const bytes = (...parts: Part[]) =>
  Buffer.concat(parts.map((p) => (typeof p === 'string' ? Buffer.from(p, 'latin1') : Buffer.from([p].flat()))));
const u32 = (n: number) => [...new Uint8Array(Uint32Array.of(n).buffer)];
const u64 = (n: bigint) => [...new Uint8Array(BigUint64Array.of(n).buffer)];
const load = (...parts: Part[]): PickleValue => unpickle(bytes(...parts), 0, TORCH_GLOBALS).value;
const list = (...items: PickleValue[]) => ({ kind: 'list', items });
const tuple = (...items: PickleValue[]) => ({ kind: 'tuple', items });

describe('unpickle', () => {
  it.each<[string, PickleValue, Part[]]>([
    ['none and truth values', tuple(null, true, false) as PickleValue, ['N', 0x88, 0x89, 0x87, '.']],
    ['truth values of protocol 0', tuple(true, false) as PickleValue, ['I01\nI00\n', 0x86, '.']],
    [
      'small integers',
      tuple(255, 65535, -2) as PickleValue,
      ['K', 255, 'M', [255, 255], 'J', u32(2 ** 32 - 2), 0x87, '.'],
    ],
    ['a long integer', -(2n ** 63n), [0x8a, 8, [0, 0, 0, 0, 0, 0, 0, 128], '.']],
    ['a long integer that fits', 300, [0x8b, u32(2), [44, 1], '.']],
    ['no bytes of a long integer', 0, [0x8a, 0, '.']],
    ['decimal integers', tuple(-12, 7) as PickleValue, ['L-12L\nI7\n', 0x86, '.']],
    ['floats', tuple(1.5, -0.25) as PickleValue, ['G', [0x3f, 0xf8, 0, 0, 0, 0, 0, 0], 'F-0.25\n', 0x86, '.']],
    ['infinity as text', Number.NEGATIVE_INFINITY, ['F-inf\n.']],
    ['texts', tuple('ü', 'é', 'q') as PickleValue, ['X', u32(2), 'Ã¼', 'U', 1, 'é', "S'q'\n", 0x87, '.']],
    ['long texts', tuple('ab', 'c') as PickleValue, [0x8d, u64(2n), 'ab', 0x8c, 1, 'c', 0x86, '.']],
    ['lists', list(1, 2, 3) as PickleValue, [']', 'K', 1, 'a(K', 2, 'K', 3, 'e.']],
    ['a list of what is marked', list(1) as PickleValue, ['(K', 1, 'l.']],
    ['sets', { kind: 'set', items: [1] }, [0x8f, '(K', 1, 0x90, '.']],
    [
      'dictionaries',
      {
        kind: 'dict',
        entries: [
          ['a', 1],
          ['b', 2],
        ],
      },
      ['}U', 1, 'aK', 1, 's(U', 1, 'bK', 2, 'u.'],
    ],
    ['what is remembered', tuple('a', 'a') as PickleValue, ['U', 1, 'aq', 5, 'h', 5, 0x86, '.']],
    [
      'memoised values',
      tuple('a', 'a') as PickleValue,
      [0x80, 4, 0x95, u64(9n), 0x8c, 1, 'a', 0x94, 'h', 0, 0x86, '.'],
    ],
    ['what is thrown away', 1, ['K', 1, 'K', 2, '0(K', 3, '1.']],
  ])('reads %s', (_, expected, parts) => {
    expect(load(...parts)).toEqual(expected);
  });

  it('describes what is called and never calls it; OrderedDicts become dictionaries', () => {
    expect(load('ctorch\nSize\n(K', 2, 'tq', 1, 0x85, 'R.')).toEqual({
      kind: 'call',
      name: 'torch.Size',
      args: [tuple(2)],
    });
    const dict = load('ccollections\nOrderedDict\n)R(U', 1, 'aK', 1, 'u}b.');
    expect(dict).toEqual({ kind: 'dict', entries: [['a', 1]] });
    expect(load('ccollections\nOrderedDict\n](U', 1, 'aK', 1, 0x86, 'e', 0x85, 'R.')).toEqual(dict);
  });

  it('tells where it ends and what is kept outside', () => {
    const two = bytes('K', 1, '.', 'U', 1, 'xQP7\n', 0x86, '.');
    const first = unpickle(two, 0, TORCH_GLOBALS);
    expect(first).toEqual({ value: 1, persistent: [], end: 3 });
    expect(unpickle(two, first.end, TORCH_GLOBALS)).toMatchObject({ persistent: ['x', '7'], end: two.length });
  });
});

describe('a hostile pickle', () => {
  it.each<[string, string, Part[]]>([
    ['os.system by REDUCE', 'os.system', ['cos\nsystem\n(S', "'touch /tmp/x'\n", 'tR.']],
    ['posix.system', 'posix.system', ['cposix\nsystem\n', 'U', 1, 'x', 0x85, 'R.']],
    ['eval', 'builtins.eval', ['cbuiltins\neval\n.']],
    ["Python 2's eval", 'builtins.eval', ['c__builtin__\neval\n.']],
    ['a name put together on the stack', 'builtins.exec', [0x8c, 8, 'builtins', 0x8c, 4, 'exec', 0x93, '.']],
    ['a dotted way to another module', 'torch._utils.os.system', ['ctorch._utils\nos.system\n.']],
    [
      'a dotted name in an allowed class',
      'collections.OrderedDict.__init__',
      ['ccollections\nOrderedDict.__init__\n.'],
    ],
    ['torch.load itself', 'torch.load', ['ctorch\nload\n.']],
    ['getattr', 'builtins.getattr', ['cbuiltins\ngetattr\n.']],
    ['a name like a property of every object', 'constructor.constructor', ['cconstructor\nconstructor\n.']],
  ])('%s is refused by name', (_, name, parts) => {
    let error: unknown;
    try {
      load(...parts);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(ForbiddenGlobal);
    expect((error as ForbiddenGlobal).global).toBe(name);
  });

  it.each<[string, RegExp, Part[]]>([
    ['INST', /0x69/, ['(ios\nsystem\n.']],
    ['OBJ', /0x6f/, ['(cos\nsystem\no.'.replace('cos\nsystem\n', ''), '.']],
    ['EXT1', /0x82/, [0x82, 1, '.']],
    ['NEWOBJ_EX', /0x92/, [0x92, '.']],
    ['NEXT_BUFFER', /0x97/, [0x97, '.']],
    ['BUILD on a class', /state of what is no dictionary/, ['ctorch\nSize\n}b.']],
    ['BUILD on a call', /state of what is no dictionary/, ['ctorch\nSize\n)R(U', 12, '__setstate__', 'K', 1, 'db.']],
    ['a call of what is no function', /no function/, ['K', 1, ')R.']],
    ['a call of the result of a call', /no function/, ['ctorch\nSize\n)R)R.']],
    ['a call with no tuple', /no tuple/, ['ctorch\nSize\n]R.']],
    ['NEWOBJ of a number', /no function/, ['K', 1, ')', 0x81, '.']],
    ['an integer of 4 GB', /4294967295 bytes/, [0x8b, u32(2 ** 32 - 1)]],
    ['an integer of 256 bytes', /256 bytes/, [0x8b, u32(256), Array(256).fill(255), '.']],
    ['a text of 2^63 bytes', /too early/, [0x8d, u64(2n ** 63n)]],
    ['a text of 4 GB', /too early/, ['X', u32(2 ** 32 - 1)]],
    ['bytes of 2^64 - 1', /too early/, [0x8e, u64(2n ** 64n - 1n)]],
    ['a frame of 2^62 bytes', /frame/, [0x95, u64(2n ** 62n)]],
    ['protocol 9', /protocol 9/, [0x80, 9, '.']],
    ['a line without an end', /no end/, ['V', 'x'.repeat(10_000)]],
    ['a number of many digits', /cannot be read/, ['L', '9'.repeat(4000), '\n.']],
    ['a number that is none', /cannot be read/, ['F0x10\n.']],
    ['text that is no UTF-8', /UTF-8/, ['X', u32(1), 0xff, '.']],
    ['nothing', /too early/, []],
    ['no end', /too early/, ['N']],
    ['an empty stack', /more than it put/, ['.']],
    ['more than it put', /more than it put/, [0x87, '.']],
    ['a mark too few', /did not open/, ['t.']],
    ['a value below its mark', /more than it put/, ['K', 1, '(', '0.']],
    ['a key without a value', /no value/, ['}(K', 1, 'u.']],
    ['items for a number', /no list/, ['K', 1, 'K', 2, 'a.']],
    ['a memory of nothing', /did not remember/, ['h', 3, '.']],
    ['a memory under a negative number', /no number/, ['Np-1\n.']],
    ['a memory of the prototype', /cannot be read/, ['g__proto__\n.']],
    ['an OrderedDict of numbers', /no list/, ['ccollections\nOrderedDict\nK', 1, 0x85, 'R.']],
  ])('%s', (_, message, parts) => {
    expect(() => load(...parts)).toThrow(PickleError);
    expect(() => load(...parts)).toThrow(message);
  });

  const MILLION = 1_000_000;
  /** LONG_BINPUT under so many different numbers. */
  const memories = (count: number) => {
    const puts = Buffer.alloc(5 * count, 'r');
    for (let i = 0; i < count; i++) puts.writeUInt32LE(i, 5 * i + 1);
    return puts.toString('latin1');
  };
  it.each<[string, RegExp | undefined, () => Part[]]>([
    ['a million marks', /nests too much/, () => ['('.repeat(MILLION), '.']],
    ['a million values', /nests too much/, () => ['N'.repeat(MILLION), '.']],
    ['two million lists in one', /more than 1000000 objects/, () => [']', ']a'.repeat(2 * MILLION), '.']],
    ['a million tuples around one another', undefined, () => [')', '\x85'.repeat(MILLION / 2), '.']],
    ['tuples that double', undefined, () => ['Nq', 0, 'h\x00h\x00\x86q\x00'.repeat(10_000), '.']],
    ['a list that contains itself', undefined, () => [']q', 0, 'h', 0, 'a.']],
    ['a memory of a million texts', /remembers more than/, () => ['Nr\x00\x00\x00\x00', memories(MILLION + 2), '.']],
    [
      'a dictionary of millions of entries',
      /more than 1000000 objects/,
      () => ['Nq', 0, '}', 'h\x00h\x00s'.repeat(3 * MILLION), '.'],
    ],
    [
      'many OrderedDicts of one long list of pairs',
      /more than 1000000 objects/,
      () => [
        'ccollections\nOrderedDict\nq\x00NN\x86q\x01](',
        'h\x01'.repeat(100_000),
        'e\x85q\x02',
        'h\x00h\x02R'.repeat(1000),
        '.',
      ],
    ],
    ['many integers of 255 bytes', undefined, () => ['N', `0\x8a\xff${'\x77'.repeat(255)}`.repeat(60_000), '.']],
    ['sixteen million operations', undefined, () => ['N', 'N0'.repeat(8 * MILLION), '.']],
  ])('%s: bounded in time and memory', (_, message, make) => {
    const input = bytes(...make());
    const started = performance.now();
    const read = () => unpickle(input, 0, TORCH_GLOBALS);
    if (message) expect(read).toThrow(message);
    else read();
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});

it('any bytes are read or refused, never anything else', () => {
  const operations = Buffer.from(
    '(.012NIJKMLFGSTUVXBC]lae)t}dsucRbPQghjpqr\x80\x81\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8f\x90\x93\x94\x95',
    'latin1',
  );
  const byte = fc.oneof(fc.constantFrom(...operations), fc.nat(255));
  let read = 0;
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 60 }), (content) => {
      try {
        unpickle(Uint8Array.from([...content, 0x2e]), 0, TORCH_GLOBALS);
        read++;
      } catch (error) {
        expect(error).toBeInstanceOf(PickleError);
      }
    }),
    { numRuns: 20_000 },
  );
  expect(read).toBeGreaterThan(100);
});
