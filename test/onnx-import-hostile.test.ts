// Wrong and hostile ONNX files: a readable error of ours, never a crash, a hang or unbounded memory.
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { TriggerlabError } from '../src/core/errors.ts';
import { importedModel } from '../src/models/imported.ts';
import {
  floatInput,
  floats,
  intAttribute,
  intsAttribute,
  modelBytes,
  node,
  type TensorInit,
  tinyGraph,
} from './support/onnx-proto.ts';

/** What importing says; undefined when it works. @throws whatever is no error for users. */
function refusal(bytes: Uint8Array | string): TriggerlabError | undefined {
  try {
    importedModel(bytes);
    return undefined;
  } catch (error) {
    if (error instanceof TriggerlabError && error.kind === 'input') return error;
    throw error;
  }
}

const tiny = tinyGraph();
const valid = modelBytes(tiny);
const nodes = tiny.node ?? [];
const initializers = tiny.initializer ?? [];
const rss = () => process.memoryUsage().rss / 1e6;

it('the model that is damaged below can be imported', () => {
  expect(refusal(valid)).toBeUndefined();
});

describe('mutated files', () => {
  const position = fc.nat(valid.length - 1);
  const mutation = fc.oneof(
    fc.record({ kind: fc.constant('set' as const), at: position, value: fc.nat(255) }),
    fc.record({ kind: fc.constant('cut' as const), at: position, length: fc.integer({ min: 1, max: 200 }) }),
    fc.record({ kind: fc.constant('end' as const), at: position }),
    fc.record({ kind: fc.constant('double' as const), at: position, length: fc.integer({ min: 1, max: 200 }) }),
    fc.record({
      kind: fc.constant('insert' as const),
      at: position,
      bytes: fc.uint8Array({ minLength: 1, maxLength: 24 }),
    }),
  );
  type Mutation = typeof mutation extends fc.Arbitrary<infer T> ? T : never;

  function mutated(bytes: Uint8Array, change: Mutation): Uint8Array {
    const [before, after] = [bytes.subarray(0, change.at), bytes.subarray(change.at)];
    switch (change.kind) {
      case 'set':
        return Uint8Array.from(bytes, (byte, i) => (i === change.at ? change.value : byte));
      case 'cut':
        return Buffer.concat([before, after.subarray(change.length)]);
      case 'end':
        return before;
      case 'double':
        return Buffer.concat([before, after.subarray(0, change.length), after]);
      case 'insert':
        return Buffer.concat([before, change.bytes, after]);
    }
  }

  it('2,000 of them: import or a readable refusal', () => {
    const start = rss();
    let refused = 0;
    let slowest = 0;
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), (changes) => {
        const began = performance.now();
        const error = refusal(new Uint8Array(changes.reduce<Uint8Array>(mutated, valid)));
        slowest = Math.max(slowest, performance.now() - began);
        if (!error) return;
        refused++;
        expect(error.message.length).toBeGreaterThan(10);
        expect(error.message.length).toBeLessThan(2000);
      }),
      { numRuns: 2000, seed: 11 },
    );
    expect(refused).toBeGreaterThan(1000);
    expect(slowest).toBeLessThan(2000);
    expect(rss() - start).toBeLessThan(600);
  });

  it('500 files of random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(refusal(bytes)?.message).toMatch(/ONNX/);
      }),
      { numRuns: 500, seed: 12 },
    );
  });
});

describe('files made by hand', () => {
  const graphs: [string, RegExp, Uint8Array][] = [
    [
      'a cycle',
      /cycle/,
      modelBytes(tinyGraph({ node: [node('Add', ['x', 'q'], ['p']), node('Relu', ['p'], ['q']), ...nodes] })),
    ],
    ['a value defined twice', /twice/, modelBytes(tinyGraph({ node: [...nodes, node('Relu', ['b'], ['a'])] }))],
    [
      'a tensor defined twice',
      /twice/,
      modelBytes(tinyGraph({ initializer: [...initializers, floats('fc.bias', [3])] })),
    ],
    ['a missing input', /does not define/, modelBytes(tinyGraph({ node: nodes.slice(1) }))],
    ['a missing output', /not defined/, modelBytes(tinyGraph({ output: [floatInput('nothing', ['N', 3])] }))],
    [
      'enormous dimensions',
      /more than|shape/,
      modelBytes(
        tinyGraph({
          initializer: [
            { ...floats('c.weight', [4, 3, 3, 3]), dims: [2n ** 40n, 2n ** 40n] },
            ...initializers.slice(1),
          ],
        }),
      ),
    ],
    [
      'a negative dimension',
      /dimension of -4/,
      modelBytes(
        tinyGraph({
          initializer: [{ ...floats('c.weight', [4, 3, 3, 3]), dims: [-4n, 3n, 3n, 3n] }, ...initializers.slice(1)],
        }),
      ),
    ],
    [
      'too little data',
      /has the shape \[4,3,3,3\] but/,
      modelBytes(
        tinyGraph({ initializer: [{ ...floats('c.weight', [4, 3, 3, 3], [1, 2]) }, ...initializers.slice(1)] }),
      ),
    ],
    [
      'a tensor of strings',
      /element type 8/,
      modelBytes(tinyGraph({ initializer: [...initializers, { name: 's', dataType: 8, dims: [1n] }] })),
    ],
    ['no graph', /no graph/, modelBytes({})],
    [
      'two inputs',
      /2 inputs/,
      modelBytes(
        tinyGraph({
          input: [floatInput('x', ['N', 3, 8, 8]), floatInput('z', [3])],
          initializer: initializers.slice(0, 2),
          node: [...nodes.slice(0, -1), node('Gemm', ['d', 'fc.weight', 'z'], ['y'], [intAttribute('transB', 1)])],
        }),
      ),
    ],
    ['an image of five channels', /3 channels/, modelBytes(tinyGraph({ input: [floatInput('x', ['N', 5, 8, 8])] }))],
    ['an image of bytes', /uint8.*8-bit/, modelBytes(tinyGraph({ input: [floatInput('x', ['N', 8, 8, 3], 2)] }))],
    ['an oblong image', /square/, modelBytes(tinyGraph({ input: [floatInput('x', ['N', 3, 8, 9])] }))],
    ['an operator set to come', /operator set 99/, modelBytes(tiny, 99)],
    ['the first operator set', /operator set 1$/, modelBytes(tiny, 1)],
    ['no classifier', /logits are \[N,4,8,8\]/, modelBytes(tinyGraph({ output: [floatInput('b', ['N', 4, 8, 8])] }))],
    [
      'two branches behind the head',
      /several branches|between/,
      modelBytes(
        tinyGraph({
          node: [
            ...nodes.slice(0, -1),
            node('Gemm', ['d', 'fc.weight', 'fc.bias'], ['p'], [intAttribute('transB', 1)]),
            node('Mul', ['p', 'p'], ['y']),
          ],
        }),
      ),
    ],
    [
      'a kernel that does not fit',
      /MaxPool.*window of 200.*8 × 8|8 × 8.*MaxPool.*window of 200/,
      modelBytes(
        tinyGraph({
          node: nodes.map((n) =>
            n.opType === 'MaxPool' ? node('MaxPool', ['b'], ['m'], [intsAttribute('kernel_shape', [200, 200])]) : n,
          ),
        }),
      ),
    ],
    [
      'a stride of zero',
      /strides \[0,1\]/,
      modelBytes(
        tinyGraph({
          node: nodes.map((n) =>
            n.opType === 'MaxPool'
              ? node('MaxPool', ['b'], ['m'], [intsAttribute('kernel_shape', [2, 2]), intsAttribute('strides', [0, 1])])
              : n,
          ),
        }),
      ),
    ],
    [
      'an output of enormous size',
      /more than/,
      modelBytes(
        tinyGraph({
          initializer: [
            ...initializers,
            { name: 'big', dims: [4n], dataType: 7, int64Data: [1n, 1n, 1_000_000n, 1_000_000n] },
          ],
          node: [node('Expand', ['x', 'big'], ['w']), ...nodes],
        }),
      ),
    ],
    [
      'a weight of another depth',
      /channels/,
      modelBytes(tinyGraph({ initializer: [floats('c.weight', [4, 2, 3, 3]), ...initializers.slice(1)] })),
    ],
    [
      'a name with control characters',
      /takes "\?\[31m"/,
      modelBytes(tinyGraph({ node: [...nodes.slice(0, -1), node('Relu', ['\u001b[31m'], ['y'])] })),
    ],
  ];

  // The expanded image must be used to count: it takes the place of x.
  it.each(graphs.filter(([name]) => name !== 'an output of enormous size'))('%s', (_, message, bytes) => {
    const error = refusal(bytes);
    expect(error?.message).toMatch(message);
  });

  it('an output of enormous size', () => {
    const big: TensorInit = { name: 'big', dims: [4n], dataType: 7, int64Data: [1n, 3n, 1_000_000n, 1_000_000n] };
    const pixel = [floatInput('x', ['N', 3, 1, 1])];
    const error = refusal(
      modelBytes(
        tinyGraph({
          input: pixel,
          initializer: [...initializers, big],
          node: [node('Expand', ['x', 'big'], ['w']), node('Conv', ['w', 'c.weight'], ['a']), ...nodes.slice(1)],
        }),
      ),
    );
    expect(error?.message).toMatch(/Expand.*more than/);
  });

  it('lists every op that cannot be imported, with counts and nodes', () => {
    const strange = [
      node('Frobnicate', ['a'], ['f1']),
      node('Frobnicate', ['f1'], ['f2']),
      node('Loop', ['f2'], ['b']),
    ];
    const error = refusal(modelBytes(tinyGraph({ node: [nodes[0], ...strange, ...nodes.slice(2)] })));
    expect(error?.message).toBe(
      'the model has ops that cannot be imported: Frobnicate × 2 ("Frobnicate-f1", "Frobnicate-f2"); Loop × 1 ("Loop-b")',
    );
    expect(error?.hint).toContain('control flow');
  });

  it('names ops of other domains, and no object’s own members', () => {
    const strange = [
      { ...node('FusedConv', ['a'], ['f']), domain: 'com.microsoft' },
      node('constructor', ['f'], ['b']),
    ];
    const error = refusal(modelBytes(tinyGraph({ node: [nodes[0], ...strange, ...nodes.slice(2)] })));
    expect(error?.message).toContain('com.microsoft::FusedConv × 1');
    expect(error?.message).toContain('constructor × 1');
  });

  it('does not mind names such as __proto__', () => {
    const renamed = tinyGraph({
      initializer: [initializers[0], floats('__proto__.weight', [3, 4])],
      node: [
        ...nodes.slice(0, -1),
        node('Gemm', ['d', '__proto__.weight'], ['y'], [intAttribute('transB', 1), intAttribute('__proto__', 1)]),
      ],
    });
    const model = importedModel(modelBytes(renamed));
    expect(model.architecture.head).toBe('__proto__');
    expect(Object.keys(model.tensors())).toContain('__proto__.weight');
  });

  it('a million nodes', () => {
    const start = rss();
    const empty = Uint8Array.from({ length: 2_000_000 }, (_, i) => (i % 2 === 0 ? 0x0a : 0));
    const length = [0x80 | (empty.length & 0x7f), 0x80 | ((empty.length >> 7) & 0x7f), empty.length >> 14];
    const error = refusal(Buffer.concat([Uint8Array.of(0x3a, ...length), empty]));
    expect(error?.message).toMatch(/more than 50000 nodes/);
    expect(rss() - start).toBeLessThan(200);
  });

  it('as many nodes as are allowed, all of one name, in time', () => {
    const chain = Array.from({ length: 20_000 }, (_, i) => ({
      ...node('Relu', [i === 0 ? 'a' : `r${i - 1}`], [i === 19_999 ? 'b' : `r${i}`]),
      name: 'same',
    }));
    const began = performance.now();
    expect(refusal(modelBytes(tinyGraph({ node: [nodes[0], ...chain, ...nodes.slice(2)] })))).toBeUndefined();
    expect(performance.now() - began).toBeLessThan(20_000);
  });

  it('graphs nested a thousand deep', () => {
    let bytes: Uint8Array = Uint8Array.of();
    const wrapped = (tag: number, inner: Uint8Array) => {
      const length: number[] = [];
      for (let n = inner.length; ; n = Math.floor(n / 128)) {
        length.push((n % 128) | (n >= 128 ? 0x80 : 0));
        if (n < 128) break;
      }
      return Buffer.concat([Uint8Array.of(tag, ...length), inner]);
    };
    // graph { node { attribute { g … } } }
    for (let i = 0; i < 1000; i++) bytes = wrapped(0x0a, wrapped(0x2a, wrapped(0x32, bytes)));
    expect(refusal(wrapped(0x3a, bytes))?.message).toMatch(/nests graphs/);
  });

  it('lists that would grow when they are decoded', () => {
    const start = rss();
    // One tensor with 100 MB of one-byte dimensions.
    const dims = new Uint8Array(100_000_000).fill(1);
    const varint = (n: number) => {
      const out: number[] = [];
      for (; n >= 128; n = Math.floor(n / 128)) out.push((n % 128) | 0x80);
      return Uint8Array.of(...out, n);
    };
    const field = (tag: number, inner: Uint8Array) => Buffer.concat([Uint8Array.of(tag), varint(inner.length), inner]);
    const error = refusal(field(0x3a, field(0x2a, field(0x0a, dims))));
    expect(error?.message).toMatch(/more than/);
    expect(rss() - start).toBeLessThan(700);
  });
});

describe('external data', () => {
  const folder = mkdtempSync(join(tmpdir(), 'onnx-external-'));
  const inside = join(folder, 'model');
  mkdirSync(inside);
  afterAll(() => rmSync(folder, { recursive: true }));
  const secret = join(folder, 'secret.bin');
  writeFileSync(secret, Buffer.alloc(432));
  writeFileSync(join(inside, 'weights.bin'), Buffer.alloc(1000, 1));
  symlinkSync(secret, join(inside, 'link.bin'));
  symlinkSync(join(inside, 'weights.bin'), join(inside, 'good-link.bin'));

  const external = (entries: Record<string, string>): Uint8Array =>
    modelBytes(
      tinyGraph({
        initializer: [
          {
            name: 'c.weight',
            dims: [4n, 3n, 3n, 3n],
            dataType: 1,
            dataLocation: 1,
            externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
          },
          ...initializers.slice(1),
        ],
      }),
    );
  const from = (entries: Record<string, string>) => {
    const path = join(inside, 'model.onnx');
    writeFileSync(path, external(entries));
    return refusal(path);
  };

  it('in the model’s own folder is read, by a link within it too', () => {
    expect(from({ location: 'weights.bin', offset: '8', length: '432' })).toBeUndefined();
    expect(from({ location: './weights.bin' })).toBeUndefined();
    expect(from({ location: 'good-link.bin' })).toBeUndefined();
  });

  it('changes the hash', () => {
    const path = join(inside, 'hashed.onnx');
    writeFileSync(path, external({ location: 'other.bin' }));
    const hashOf = (byte: number) => {
      writeFileSync(join(inside, 'other.bin'), Buffer.alloc(432, byte));
      return importedModel(path).weightsHash;
    };
    expect(hashOf(1)).toBe(hashOf(1));
    expect(hashOf(1)).not.toBe(hashOf(2));
  });

  it.each([
    [{ location: '../secret.bin' }, /does not lie in its folder/],
    [{ location: 'a/../../secret.bin' }, /does not lie in its folder/],
    [{ location: secret }, /does not lie in its folder/],
    [{ location: 'C:\\secret.bin' }, /does not lie in its folder/],
    [{ location: '..\\secret.bin' }, /does not lie in its folder/],
    [{ location: 'link.bin' }, /leads out of its folder/],
    [{ location: 'missing.bin' }, /cannot be read/],
    [{ location: '.' }, /leads out|not a file|cannot/],
    [{ location: 'weights\0.bin' }, /does not lie in its folder/],
    [{ location: 'weights.bin', offset: '900' }, /has 1000 bytes/],
    [{ location: 'weights.bin', offset: '-8' }, /offset/],
    [{ location: 'weights.bin', offset: '1e3' }, /offset/],
    [{ location: 'weights.bin', length: '12' }, /takes 432 bytes/],
    [{ length: '432' }, /does not say/],
  ])('%j is refused', (entries, message) => {
    expect(from(entries as Record<string, string>)?.message).toMatch(message);
  });

  it('is read in parts: of a file of 3 GB, sparse on disk, what the model takes and no more', () => {
    const sparse = openSync(join(inside, 'sparse.bin'), 'w');
    ftruncateSync(sparse, 3e9);
    closeSync(sparse);
    const before = rss();
    expect(from({ location: 'sparse.bin', offset: '2999996416', length: '432' })).toBeUndefined();
    expect(from({ location: 'sparse.bin', offset: '2999999872', length: '432' })?.message).toMatch(
      /has 3000000000 bytes/,
    );
    expect(rss() - before).toBeLessThan(300);
  });

  it('is refused before it is read where it is larger than can be examined', () => {
    const wide: TensorInit = {
      ...{ name: 'w', dims: [750_000_000n], dataType: 1, dataLocation: 1 },
      externalData: [{ key: 'location', value: 'sparse.bin' }],
    };
    const path = join(inside, 'wide.onnx');
    const before = rss();
    writeFileSync(path, modelBytes(tinyGraph({ initializer: [wide, ...initializers] })));
    expect(refusal(path)?.message).toMatch(/take 3\.0 GB or more: at most 1\.1 GB are read/);
    expect(rss() - before).toBeLessThan(300);
  });

  it('cannot be had from bytes alone', () => {
    expect(refusal(external({ location: 'weights.bin' }))?.hint).toContain('path');
  });
});

describe('the file and its sidecar', () => {
  const folder = mkdtempSync(join(tmpdir(), 'onnx-sidecar-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'net.onnx');
  const withSidecar = (content: string) => {
    writeFileSync(path, valid);
    writeFileSync(`${path}.json`, content);
    return path;
  };

  it('says size, normalisation, channels and classes', () => {
    const model = importedModel(
      withSidecar(
        '{"inputSize": 16, "normalization": {"mean": [104, 117, 123], "std": [1]}, "scale": 255, "channels": "BGR", "classes": ["a", "b", "c"]}',
      ),
    );
    expect(model).toMatchObject({ name: 'net', inputSize: 16, classNames: ['a', 'b', 'c'] });
    expect(model.normalization.mean[0]).toBeCloseTo(104 / 255);
    expect(model.normalization.std).toEqual([1 / 255, 1 / 255, 1 / 255]);
  });

  it.each([
    ['{', /not JSON/],
    ['[]', /expected object/i],
    ['{"inputsize": 16}', /inputsize/],
    ['{"inputSize": 0}', /inputSize/],
    ['{"channels": "GRB"}', /channels/],
    ['{"normalization": {"mean": [0, 0], "std": [1, 1]}}', /normalization/],
    ['{"normalization": {"mean": [0], "std": [0]}}', /positive std/],
    ['{"classes": ["a"]}', /1 class names for a head of 3/],
  ])('%s is refused', (content, message) => {
    expect(refusal(withSidecar(content))?.message).toMatch(message);
  });

  it.each([
    ['missing.onnx', /cannot be read/],
    ['.', /not a file/],
  ])('%s is refused', (name, message) => {
    expect(refusal(join(folder, name))?.message).toMatch(message);
  });
});
