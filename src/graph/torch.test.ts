// Outputs and gradients of the ops in ONNX Runtime against stored ones of PyTorch, both in float32.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { NdArray } from '../../test/interpreter/array.ts';
import { normError, runInEngine } from '../../test/interpreter/engine.ts';
import type { DType } from '../core/tensor.ts';
import { gradients } from './autodiff.ts';
import { Graph, type Value } from './graph.ts';
import { abs } from './ops/abs.ts';
import { add } from './ops/add.ts';
import { averagePool } from './ops/average-pool.ts';
import { batchNorm, batchNormTraining } from './ops/batch-normalization.ts';
import { binaryCrossEntropy } from './ops/binary-cross-entropy.ts';
import { clip } from './ops/clip.ts';
import { concat } from './ops/concat.ts';
import { conv } from './ops/conv.ts';
import { crossEntropy } from './ops/cross-entropy.ts';
import { div } from './ops/div.ts';
import { dropout } from './ops/dropout.ts';
import { erf } from './ops/erf.ts';
import { exp } from './ops/exp.ts';
import { flatten } from './ops/flatten.ts';
import { gather } from './ops/gather.ts';
import { gemm } from './ops/gemm.ts';
import { globalAveragePool } from './ops/global-average-pool.ts';
import { log } from './ops/log.ts';
import { logSoftmax } from './ops/log-softmax.ts';
import { lrn } from './ops/lrn.ts';
import { matMul } from './ops/mat-mul.ts';
import { max } from './ops/max.ts';
import { maxPool } from './ops/max-pool.ts';
import { min } from './ops/min.ts';
import { mul } from './ops/mul.ts';
import { neg } from './ops/neg.ts';
import { pad } from './ops/pad.ts';
import { pow } from './ops/pow.ts';
import { reduceMax } from './ops/reduce-max.ts';
import { reduceMean } from './ops/reduce-mean.ts';
import { reduceSum } from './ops/reduce-sum.ts';
import { relu } from './ops/relu.ts';
import { reshape } from './ops/reshape.ts';
import { type ResizeOptions, resample, resize } from './ops/resize.ts';
import { sigmoid } from './ops/sigmoid.ts';
import { slice } from './ops/slice.ts';
import { softmax } from './ops/softmax.ts';
import { split } from './ops/split.ts';
import { sqrt } from './ops/sqrt.ts';
import { sub } from './ops/sub.ts';
import { tanh } from './ops/tanh.ts';
import { transpose } from './ops/transpose.ts';
import { where } from './ops/where.ts';

const TOLERANCE = 1e-4;

interface Numbers {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

interface Fixture {
  readonly name: string;
  readonly op: string;
  // biome-ignore lint/suspicious/noExplicitAny: options differ from op to op; each emitter below knows its own.
  readonly options: any;
  readonly inputs: Readonly<Record<string, Numbers & { readonly dtype: DType }>>;
  readonly outputs: readonly Numbers[];
  readonly weights: readonly (Numbers | null)[];
  readonly gradients: Readonly<Record<string, Numbers>>;
}

const file = new URL('../../test/fixtures/torch/ops.json', import.meta.url);
const fixtures = (JSON.parse(readFileSync(file, 'utf8')) as { cases: Fixture[] }).cases;

type Emit = (inputs: Value[], options: Fixture['options']) => Value | Value[];

const EMITTERS: Readonly<Record<string, Emit>> = {
  conv: ([x, w, bias], options) => conv(x, w, bias, options),
  linear: ([x, w, bias]) => gemm(x, w, bias, { transB: true }),
  matMul: ([a, b]) => matMul(a, b),
  maxPool: ([x], { kernel, ...options }) => maxPool(x, kernel, options),
  averagePool: ([x], { kernel, ...options }) => averagePool(x, kernel, options),
  globalAveragePool: ([x]) => globalAveragePool(x),
  batchNorm: ([x, scale, bias, mean, variance], { epsilon }) => batchNorm(x, scale, bias, mean, variance, epsilon),
  batchNormTraining: ([x, scale, bias, mean, variance], { epsilon, momentum }) => {
    const trained = batchNormTraining(x, scale, bias, { mean, variance }, epsilon, momentum);
    return [trained.y, trained.runningMean, trained.runningVariance];
  },
  lrn: ([x], options) => lrn(x, options),
  dropout: ([x, keep], { rate }) => dropout(x, keep, rate),
  resize: ([x], { size, ...options }) => resize(x, size[0], size[1], options as ResizeOptions),
  binaryCrossEntropy: ([logits, targets]) => binaryCrossEntropy(logits, targets),
  crossEntropy: ([logits, labels]) => crossEntropy(logits, labels),
  softmax: ([x], { axis }) => softmax(x, axis),
  logSoftmax: ([x], { axis }) => logSoftmax(x, axis),
  relu: ([x]) => relu(x),
  abs: ([x]) => abs(x),
  neg: ([x]) => neg(x),
  erf: ([x]) => erf(x),
  exp: ([x]) => exp(x),
  log: ([x]) => log(x),
  sqrt: ([x]) => sqrt(x),
  tanh: ([x]) => tanh(x),
  sigmoid: ([x]) => sigmoid(x),
  clip: ([x], { low, high }) => clip(x, low, high),
  add: ([a, b]) => add(a, b),
  sub: ([a, b]) => sub(a, b),
  mul: ([a, b]) => mul(a, b),
  div: ([a, b]) => div(a, b),
  max: ([a, b]) => max(a, b),
  min: ([a, b]) => min(a, b),
  pow: ([a, b]) => pow(a, b),
  where: ([condition, a, b]) => where(condition, a, b),
  reduceSum: ([x], { axes, keep }) => reduceSum(x, axes, keep),
  reduceMean: ([x], { axes, keep }) => reduceMean(x, axes, keep),
  reduceMax: ([x], { axes, keep }) => reduceMax(x, axes, keep),
  flatten: ([x]) => flatten(x),
  reshape: ([x], { shape }) => reshape(x, shape),
  transpose: ([x], { order }) => transpose(x, order),
  concat: (values, { axis }) => concat(values, axis),
  split: ([x], { sizes, axis }) => split(x, sizes, axis),
  slice: ([x], { starts, ends, axes, steps }) => slice(x, starts, ends, axes, steps),
  pad: ([x], { before, after, value }) => pad(x, before, after, value),
  gather: ([x, indices], { axis }) => gather(x, indices, axis),
};

const array = ({ shape, data }: Numbers): NdArray => ({ shape, data: Float64Array.from(data) });

/** Runs a fixture's forward and backward pass and compares everything PyTorch stored. */
async function check(fixture: Fixture, emit: Emit): Promise<void> {
  const graph = new Graph(fixture.op);
  const feeds: Record<string, NdArray> = {};
  const inputs = Object.entries(fixture.inputs).map(([name, content]) => {
    feeds[name] = array(content);
    return graph.input(name, content.dtype, content.shape);
  });
  const emitted = emit(inputs, fixture.options);
  const outputs = Array.isArray(emitted) ? emitted : [emitted];
  expect(outputs.length).toBe(fixture.outputs.length);
  const terms = outputs.flatMap((output, i) => {
    graph.output(`y${i}`, output);
    const weight = fixture.weights[i];
    if (!weight) return [];
    feeds[`weight${i}`] = array(weight);
    return [reduceSum(mul(output, graph.input(`weight${i}`, 'float32', weight.shape)), [], false)];
  });
  const names = Object.keys(fixture.gradients);
  const wrt = names.map((name) => inputs.find((input) => input.name === name) as Value);
  gradients(terms.reduce(add), wrt).forEach((gradient, i) => {
    expect(gradient, `gradient to ${names[i]}`).toBeDefined();
    if (gradient) graph.output(`gradient to ${names[i]}`, gradient);
  });
  const results = await runInEngine(graph, feeds);
  const compare = (name: string, expected: Numbers) => {
    expect(results[name].shape, `shape of ${name}`).toEqual(expected.shape);
    expect(normError(results[name].data as Float32Array, expected.data), name).toBeLessThanOrEqual(TOLERANCE);
  };
  fixture.outputs.forEach((output, i) => {
    compare(`y${i}`, output);
  });
  for (const name of names) compare(`gradient to ${name}`, fixture.gradients[name]);
}

describe('ONNX Runtime against PyTorch', () => {
  it.each(fixtures)('$name', async (fixture) => {
    await check(fixture, EMITTERS[fixture.op]);
  });

  it.each(fixtures.filter(({ op }) => op === 'resize'))('resample, $name', async (fixture) => {
    await check(fixture, ([x], { size, ...options }) => resample(x, size[0], size[1], options as ResizeOptions));
  });

  it('has a fixture for every emitter', () => {
    expect([...new Set(fixtures.map(({ op }) => op))].sort()).toEqual(Object.keys(EMITTERS).sort());
  });
});
