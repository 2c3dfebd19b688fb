// Models brought as ONNX files: same logits as the engine gives for the file, gradients, another head, training, real files.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Rng } from '../src/core/rng.ts';
import { float32, type Tensor, tensor } from '../src/core/tensor.ts';
import type { ImageSource } from '../src/data/dataset.ts';
import { gradients } from '../src/graph/autodiff.ts';
import { encodeModel } from '../src/graph/onnx/encode.ts';
import { importedOps } from '../src/graph/onnx/import.ts';
import { crossEntropy } from '../src/graph/ops/cross-entropy.ts';
import { describeArchitecture } from '../src/models/architecture.ts';
import { parseFreeze, trainablePart } from '../src/models/freeze.ts';
import { importedModel } from '../src/models/imported.ts';
import { openSession, Runtime } from '../src/runtime/node.ts';
import { createNetwork } from '../src/train/network.ts';
import { train } from '../src/train/train.ts';
import { relativeError, toArray } from './interpreter/engine.ts';
import { evaluate } from './interpreter/index.ts';
import { emitImported, importedLogits, largestDifference, runModel } from './support/imported.ts';
import { floats, modelBytes, node, tinyGraph } from './support/onnx-proto.ts';

const FIXTURES = join(import.meta.dirname, 'fixtures', 'onnx');
interface Numbers {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
const expected = JSON.parse(readFileSync(join(FIXTURES, 'expected.json'), 'utf8')) as {
  image: Numbers;
  logits: Record<string, Numbers>;
};
const fixture = (name: string) => join(FIXTURES, `${name}.onnx`);
const image = float32(expected.image.shape, expected.image.data);

describe('logits', () => {
  it.each(Object.entries(expected.logits))('%s', async (name, { shape, data }) => {
    const logits = await importedLogits(importedModel(fixture(name)), image);
    expect(logits.shape).toEqual(shape);
    expect(largestDifference(logits, float32(shape, data))).toBeLessThan(2e-5);
  });

  it('has an expectation for every file', () => {
    const files = readdirSync(FIXTURES).filter((file) => file.endsWith('.onnx'));
    expect(files.map((file) => file.replace('.onnx', '')).sort()).toEqual(Object.keys(expected.logits).sort());
  });

  it('of BGR networks are those of the reversed image, with swapped weights where that is exact', async () => {
    const reversed = { ...image, data: image.data.slice() };
    for (let n = 0; n < 2; n++) {
      for (let c = 0; c < 3; c++)
        reversed.data.set(image.data.subarray((3 * n + c) * 64, (3 * n + c + 1) * 64), (3 * n + 2 - c) * 64);
    }
    for (const name of ['mixed-17', 'fixed-batch']) {
      const plain = await importedLogits(importedModel(fixture(name)), image);
      const swapped = await importedLogits(importedModel(fixture(name), { channels: 'BGR' }), reversed);
      expect(largestDifference(plain, swapped)).toBeLessThan(1e-5);
    }
    const ops = emitImported(importedModel(fixture('mixed-17'), { channels: 'BGR' })).graph.nodes.map(({ op }) => op);
    expect(ops).not.toContain('Gather');
  });
});

describe('what a file says', () => {
  it('names parameters after its weights', () => {
    const { architecture, tensors, classes, inputSize, weightsHash, title } = importedModel(fixture('mixed-17'));
    expect(Object.keys(tensors())).toEqual([
      ...['stem.weight', 'stem.bias', 'norm.weight', 'norm.bias', 'norm.running_mean', 'norm.running_var'],
      ...['right.weight', 'fc.weight', 'fc.bias'],
    ]);
    expect({ head: architecture.head, classes, inputSize }).toEqual({ head: 'fc', classes: 5, inputSize: 8 });
    expect(weightsHash).toMatch(/^[0-9a-f]{64}$/);
    expect(title).toContain('operator set 17');
  });

  it('gives dense layers of MatMul and Add their bias, and takes the softmax off', () => {
    const { architecture, tensors } = importedModel(fixture('fixed-batch'));
    expect(architecture.head).toBe('e');
    expect(Object.keys(tensors())).toEqual(['c.weight', 'd.weight', 'd.bias', 'e.weight', 'e.bias']);
    expect(emitImported(importedModel(fixture('fixed-batch'))).graph.nodes.map(({ op }) => op)).not.toContain(
      'Softmax',
    );
  });

  it('decides the hash together with normalisation and channels, not with the path', () => {
    const bytes = new Uint8Array(readFileSync(fixture('mixed-17')));
    const hash = importedModel(bytes).weightsHash;
    expect(importedModel(fixture('mixed-17')).weightsHash).toBe(hash);
    expect(importedModel(bytes, { channels: 'BGR' }).weightsHash).not.toBe(hash);
    const normalization = { mean: [0, 0, 0], std: [1, 1, 1] };
    expect(importedModel(bytes, { normalization }).weightsHash).not.toBe(hash);
    expect(importedModel(fixture('mixed-13')).weightsHash).not.toBe(hash);
  });
});

describe('pixels that a file is made for', () => {
  const withPreprocessing = (constants: [name: string, op: string, values: number[]][]) => {
    const graph = tinyGraph();
    const steps = constants.map(([name, step], i) => node(step, [i === 0 ? 'x' : `p${i}`, name], [`p${i + 1}`]));
    const first = node('Conv', [`p${constants.length}`, 'c.weight'], ['a'], graph.node?.[0].attribute);
    const added = constants.map(([name, , values]) => floats(name, values.length === 1 ? [] : [1, 3, 1, 1], values));
    const nodes = [...steps, constants.length === 0 ? graph.node?.[0] : first, ...(graph.node?.slice(1) ?? [])];
    return importedModel(
      modelBytes({
        ...graph,
        initializer: [...(graph.initializer ?? []), ...added],
        node: nodes.filter((one) => one !== undefined),
      }),
    ).normalization;
  };
  const none = { mean: [0, 0, 0], std: [1, 1, 1] };
  const bytes = { mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] };

  it('ImageNet’s normalisation when it says nothing', () => {
    expect(withPreprocessing([]).mean).toEqual([0.485, 0.456, 0.406]);
  });

  it('none when it normalises pixels in [0, 1] itself', () => {
    const scaled: [string, string, number[]] = ['scale', 'Mul', [255]];
    expect(withPreprocessing([scaled, ['mean', 'Sub', [123, 117, 104]]])).toEqual(none);
    const mean: [string, string, number[]] = ['mean', 'Sub', [0.485, 0.456, 0.406]];
    expect(withPreprocessing([mean, ['std', 'Div', [0.229, 0.224, 0.225]]])).toEqual(none);
  });

  it('pixels in [0, 255] when it normalises those', () => {
    expect(withPreprocessing([['mean', 'Sub', [123, 117, 104]]])).toEqual(bytes);
    expect(withPreprocessing([['scale', 'Div', [255]]])).toEqual(bytes);
    expect(
      withPreprocessing([
        ['scale', 'Mul', [1 / 127.5]],
        ['one', 'Sub', [1]],
      ]),
    ).toEqual(bytes);
  });
});

describe('freeze policies', () => {
  const model = importedModel(fixture('mixed-17'));
  const info = describeArchitecture(model.architecture, 8, 3);
  const part = (policy: string) => trainablePart(parseFreeze(policy), model.architecture, info);

  it('head: the replaced head alone', () => {
    expect(part('head')).toEqual({ parameters: ['fc.weight', 'fc.bias'], batchNormMode: 'running' });
    expect(info.parameters.filter(({ name }) => name.startsWith('fc.')).map(({ shape }) => shape)).toEqual([
      [3, 4],
      [3],
    ]);
  });

  it('paper: head and batch norm', () => {
    expect(part('paper').parameters).toEqual(['norm.weight', 'norm.bias', 'fc.weight', 'fc.bias']);
    expect(info.buffers.map(({ name }) => name)).toEqual(['norm.running_mean', 'norm.running_var']);
  });

  it.each(Object.keys(expected.logits))('the head of %s takes any number of classes', (name) => {
    for (const classes of [2, 5, 43]) {
      const { architecture, inputSize } = importedModel(fixture(name));
      const { parameters } = describeArchitecture(architecture, inputSize, classes);
      const head = parameters.filter((parameter) => parameter.name.startsWith(`${architecture.head}.`));
      expect(head.length).toBeGreaterThan(0);
      expect(head.every(({ shape }) => shape.includes(classes))).toBe(true);
    }
  });
});

describe('gradients', () => {
  it.each(['mixed-17', 'attention', 'fixed-batch', 'convolutional-head'])(
    'of %s agree with the float64 interpreter and with central differences',
    async (name) => {
      const model = importedModel(fixture(name));
      const { graph, image: input, logits, parameters } = emitImported(model);
      const labels = graph.input('labels', 'int64', ['N']);
      const loss = crossEntropy(logits, labels);
      const wrt = [input, ...parameters.values()].filter((value) => !value.name.includes('running_'));
      const slopes = gradients(loss, wrt).map((slope) => slope ?? graph.scalar(0));
      graph.outputs.clear();
      slopes.forEach((slope, i) => {
        graph.output(`slope${i}`, slope);
      });
      const feeds = { image: toArray(image), labels: { shape: [2], data: Float64Array.of(1, 4) } };
      const exact = evaluate(graph, feeds, slopes);
      const session = await openSession(encodeModel(graph), { threads: 1 });
      const results = await session.run({ image, labels: tensor('int64', [2], BigInt64Array.of(1n, 4n)) });
      await session.release();
      slopes.forEach((slope, i) => {
        const error = relativeError(toArray(results[`slope${i}`]).data, exact.get(slope)?.data ?? []);
        expect(error, `gradient to ${wrt[i].name}`).toBeLessThan(1e-4);
      });
      for (const at of Rng.of(3).permutation(image.data.length).slice(0, 8)) {
        const lossAt = (shift: number) => {
          const moved = toArray(image);
          moved.data[at] += shift;
          return evaluate(graph, { ...feeds, image: moved }, [loss]).get(loss)?.data[0] ?? Number.NaN;
        };
        const slope = (lossAt(1e-5) - lossAt(-1e-5)) / 2e-5;
        expect(exact.get(slopes[0])?.data[at]).toBeCloseTo(slope, 5);
      }
    },
  );
});

describe('training', () => {
  /** Images whose brightness tells their class. */
  const source = (count: number): ImageSource => ({
    ...{ count, height: 8, width: 8, channels: 3 },
    labels: Uint16Array.from({ length: count }, (_, i) => i % 3),
    read: (rows: ArrayLike<number>) =>
      Uint8Array.from({ length: rows.length * 192 }, (_, i) => 40 + 80 * (rows[Math.floor(i / 192)] % 3)),
  });

  it.each(['head', 'paper', 'none'])(
    'under %s lowers the loss, with the weights of the file to start from',
    async (freeze) => {
      const runtime = new Runtime({ threads: 1 });
      const model = importedModel(fixture('mixed-13'));
      const dataset = { classes: ['a', 'b', 'c'], train: source(48) };
      const network = await createNetwork({
        model,
        dataset,
        inputSize: 8,
        init: 'pretrained',
        freeze: parseFreeze(freeze),
        seed: 1,
      });
      expect(network.start['stem.weight']).toBe(model.tensors()['stem.weight']);
      expect(network.start['fc.weight'].shape).toEqual([3, 4]);
      const options = {
        optimizer: 'adam',
        learningRate: 0.03,
        momentum: 0,
        weightDecay: 0,
        epochs: 12,
        batchSize: 16,
        seed: 1,
      } as const;
      const { epochLosses } = await train(runtime, network, source(48), options);
      await runtime.close();
      expect(epochLosses[11]).toBeLessThan(0.9 * epochLosses[0]);
    },
  );

  it('asks for a dropout mask', () => {
    expect(emitImported(importedModel(fixture('mixed-13')), 8, true).masks).toHaveLength(1);
  });
});

const real = process.env.TRIGGERLAB_MODELS;
describe.skipIf(!real || !existsSync(real))('real files (folder TRIGGERLAB_MODELS)', () => {
  const files = real && existsSync(real) ? readdirSync(real).filter((file) => file.endsWith('.onnx')) : [];

  it.each(files)(
    '%s: the engine gives the same logits for the file and for what was imported, and gradients run',
    async (file) => {
      const path = join(real ?? '', file);
      const model = importedModel(path);
      const rng = Rng.of(1, file);
      const size = 64;
      const batch = float32(
        [2, 3, size, size],
        Array.from({ length: 6 * size * size }, () => rng.uniform()),
      );
      const theirs = await runModel(new Uint8Array(readFileSync(path)), batch);
      expect(largestDifference(theirs, await importedLogits(model, batch))).toBeLessThan(1e-4);
      const { graph, image: input, logits, parameters } = emitImported(model, size);
      const labels = graph.input('labels', 'int64', ['N']);
      const weight = parameters.get(`${model.architecture.head}.weight`);
      const [toImage, toHead] = gradients(crossEntropy(logits, labels), weight ? [input, weight] : [input]);
      graph.outputs.clear();
      if (toImage && toHead) [toImage, toHead].forEach((slope, i) => void graph.output(`slope${i}`, slope));
      const session = await openSession(encodeModel(graph), { threads: 1 });
      const slopes = await session.run({ image: batch, labels: tensor('int64', [2], BigInt64Array.of(3n, 7n)) });
      await session.release();
      const norm = ({ data }: Tensor) => (data as Float32Array).reduce((sum, value) => sum + value * value, 0);
      expect(norm(slopes.slope0)).toBeGreaterThan(0);
      expect(norm(slopes.slope1)).toBeGreaterThan(0);
    },
  );
});

it('docs/onnx.md names every op that can be imported', () => {
  const text = readFileSync(join(import.meta.dirname, '..', 'docs', 'onnx.md'), 'utf8');
  expect(importedOps.filter((op) => !text.includes(`\`${op}\``))).toEqual([]);
});
