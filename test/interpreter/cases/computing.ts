// Random cases of reductions, matrix products, normalisations, Resize and the composites.
import fc from 'fast-check';
import { float32 } from '../../../src/core/tensor.ts';
import { float } from '../../../src/graph/attributes.ts';
import type { Value } from '../../../src/graph/graph.ts';
import { argMax } from '../../../src/graph/ops/arg-max.ts';
import { batchNorm, batchNormTraining } from '../../../src/graph/ops/batch-normalization.ts';
import { binaryCrossEntropy } from '../../../src/graph/ops/binary-cross-entropy.ts';
import { crossEntropy } from '../../../src/graph/ops/cross-entropy.ts';
import { Gemm } from '../../../src/graph/ops/gemm.ts';
import { logSoftmax } from '../../../src/graph/ops/log-softmax.ts';
import { lrn } from '../../../src/graph/ops/lrn.ts';
import { matMul } from '../../../src/graph/ops/mat-mul.ts';
import { reduceMax } from '../../../src/graph/ops/reduce-max.ts';
import { reduceMean } from '../../../src/graph/ops/reduce-mean.ts';
import { reduceSum } from '../../../src/graph/ops/reduce-sum.ts';
import { reduceSumSquare } from '../../../src/graph/ops/reduce-sum-square.ts';
import { Resize, resize } from '../../../src/graph/ops/resize.ts';
import { softmax } from '../../../src/graph/ops/softmax.ts';
import {
  anything,
  batchShape,
  batchSize,
  type CaseFamily,
  distinct,
  type Filling,
  flag,
  positive,
  smallDim,
  whole,
  x,
} from './case.ts';

type Reduce = (x: Value, axes: readonly number[], keepDims: boolean) => Value;

function reduction(name: string, emit: Reduce, fill: Filling = anything): CaseFamily {
  const parts = batchShape().chain((shape) =>
    fc.record({
      shape: fc.constant(shape),
      axes: fc.subarray(shape.map((_, axis) => axis)),
      negative: flag,
      keep: flag,
      batch: batchSize,
    }),
  );
  return {
    name,
    cases: parts.map(({ shape, axes, negative, keep, batch }) => ({
      label: `${name} [${shape}] over [${axes}] keep ${keep} N=${batch}`,
      batch,
      inputs: [x(shape, fill)],
      emit: ([a]) => emit(a, negative ? axes.map((axis) => axis - shape.length) : axes, keep),
    })),
  };
}

function alongAxis(name: string, emit: (x: Value, axis: number) => Value): CaseFamily {
  const parts = batchShape().chain((shape) =>
    fc.tuple(fc.constant(shape), fc.integer({ min: -shape.length, max: shape.length - 1 }), batchSize),
  );
  return {
    name,
    cases: parts.map(([shape, axis, batch]) => ({
      label: `${name} [${shape}] axis ${axis} N=${batch}`,
      batch,
      inputs: [x(shape, distinct)],
      emit: ([a]) => emit(a, axis),
    })),
  };
}

const gemmFamily: CaseFamily = {
  name: 'Gemm',
  cases: fc
    .record({
      transA: flag,
      transB: flag,
      alpha: fc.constantFrom(1, 0.5, -2),
      beta: fc.constantFrom(1, 0.25),
      bias: fc.constantFrom('none', 'row', 'column', 'full', 'scalar', 'one'),
      inner: smallDim,
      columns: smallDim,
      batch: batchSize,
    })
    .map(({ transA, transB, alpha, beta, bias, inner, columns, batch }) => {
      const shapes =
        { none: [], row: [columns], column: ['N', 1], full: ['N', columns], scalar: [], one: [1, 1] }[bias] ?? [];
      return {
        label: `Gemm ${JSON.stringify({ transA, transB, alpha, beta, bias, inner, columns, batch })}`,
        batch,
        inputs: [
          x(transA ? [inner, 'N'] : ['N', inner]),
          x(transB ? [columns, inner] : [inner, columns]),
          ...(bias === 'none' ? [] : [x(shapes)]),
        ],
        emit: (values) =>
          values[0].graph.add(Gemm, values, {
            transA: transA ? 1 : 0,
            transB: transB ? 1 : 0,
            alpha: float(alpha),
            beta: float(beta),
          })[0],
      };
    }),
};

const matMulFamily: CaseFamily = {
  name: 'MatMul',
  cases: fc
    .record({
      batchDims: fc.array(fc.tuple(smallDim, flag, flag), { maxLength: 2 }),
      dropped: flag,
      rows: smallDim,
      inner: smallDim,
      columns: smallDim,
      batch: batchSize,
    })
    .map(({ batchDims, dropped, rows, inner, columns, batch }) => {
      const left = batchDims.map(([dim, one]) => (one ? 1 : dim));
      const right = dropped ? [] : batchDims.map(([dim, , one]) => (one ? 1 : dim));
      const symbolic = batchDims.length > 0 ? rows : 'N';
      return {
        label: `MatMul [${[...left, symbolic, inner]}] [${[...right, inner, columns]}] N=${batch}`,
        batch,
        inputs: [x([...left, symbolic, inner]), x([...right, inner, columns])],
        emit: ([a, b]) => matMul(a, b),
      };
    }),
};

const batchMatMulFamily: CaseFamily = {
  name: 'MatMul with a symbolic batch',
  cases: fc
    .tuple(smallDim, smallDim, fc.constantFrom('both', 'left', 'right'), batchSize)
    .map(([rows, columns, where, batch]) => ({
      label: `MatMul N on ${where} ${rows} ${columns} N=${batch}`,
      batch,
      inputs: [
        x(where === 'right' ? [rows, 2] : ['N', rows, 2]),
        x(where === 'left' ? [2, columns] : ['N', 2, columns]),
      ],
      emit: ([a, b]) => matMul(a, b),
    })),
};

const normShape = fc.tuple(
  smallDim,
  fc.constantFrom<number[]>([3, 2], [2, 2], [], [4]),
  fc.integer({ min: 2, max: 4 }),
);

const batchNormFamilies: CaseFamily[] = [
  {
    name: 'batchNorm at inference',
    cases: normShape.map(([channels, pixels, batch]) => ({
      label: `batchNorm [N,${[channels, ...pixels]}] N=${batch}`,
      batch,
      inputs: [
        x(['N', channels, ...pixels]),
        x([channels]),
        x([channels]),
        ...[anything, positive].map((fill) => ({ shape: [channels], fill })),
      ],
      emit: ([a, scale, bias, mean, variance]) => batchNorm(a, scale, bias, mean, variance, 1e-3),
    })),
  },
  {
    name: 'batchNormTraining with its running statistics',
    cases: fc
      .tuple(normShape, fc.constantFrom(0.1, 0.5), fc.constantFrom('all', 'x', 'scale'))
      .map(([[channels, pixels, batch], momentum, wanted]) => ({
        label: `batchNormTraining [N,${[channels, ...pixels]}] N=${batch} to ${wanted}`,
        batch,
        inputs: [
          { ...x(['N', channels, ...pixels]), wrt: wanted !== 'scale' },
          { ...x([channels]), wrt: wanted !== 'x' },
          { ...x([channels]), wrt: wanted !== 'x' },
          x([channels]),
          x([channels], positive),
        ],
        emit: ([a, scale, bias, mean, variance]) => {
          const trained = batchNormTraining(a, scale, bias, { mean, variance }, 1e-3, momentum);
          return [trained.y, trained.runningMean, trained.runningVariance];
        },
      })),
  },
];

const lrnFamily: CaseFamily = {
  name: 'LRN',
  cases: fc
    .tuple(
      fc.integer({ min: 1, max: 6 }),
      fc.constantFrom(1, 3, 5),
      fc.constantFrom([1e-4, 0.75, 2], [0.5, 0.75, 1], [2, 0.5, 0.7]),
      batchSize,
    )
    .map(([channels, size, [alpha, beta, bias], batch]) => ({
      label: `LRN ${channels} channels, size ${size}, ${alpha} ${beta} ${bias}`,
      batch,
      inputs: [x(['N', channels, 2, 2])],
      emit: ([a]) => lrn(a, { size, alpha, beta, bias }),
    })),
};

const resizeSides = fc.tuple(...[0, 1, 2, 3].map(() => fc.integer({ min: 1, max: 6 })));

const resizeFamilies: CaseFamily[] = [
  {
    name: 'Resize to a size',
    cases: fc
      .tuple(
        resizeSides,
        fc.constantFrom<'linear' | 'nearest'>('linear', 'nearest'),
        fc.constantFrom(undefined, 'half_pixel' as const, 'align_corners' as const, 'asymmetric' as const),
        batchSize,
      )
      .map(([[h, w, toH, toW], mode, coordinates, batch]) => ({
        label: `Resize ${h}×${w} to ${toH}×${toW} ${mode} ${coordinates}`,
        batch,
        inputs: [x(['N', 2, h, w])],
        emit: ([a]) => resize(a, toH, toW, { mode, ...(coordinates ? { coordinates } : {}) }),
      })),
  },
  {
    name: 'Resize by scales',
    cases: fc
      .tuple(
        resizeSides,
        fc.constantFrom('linear', 'nearest'),
        fc.constantFrom(0.5, 1.5, 2, 2.5),
        fc.constantFrom('half_pixel', 'pytorch_half_pixel', 'asymmetric'),
        batchSize,
      )
      .filter(([[h, w], , scale]) => h * scale >= 1 && w * scale >= 1)
      .map(([[h, w], mode, scale, coordinates, batch]) => ({
        label: `Resize ${h}×${w} by ${scale} ${mode} ${coordinates}`,
        batch,
        inputs: [x(['N', 2, h, w])],
        emit: ([a]) =>
          a.graph.add(Resize, [a, undefined, a.graph.constant(float32([4], [1, 1, scale, scale]))], {
            mode,
            coordinate_transformation_mode: coordinates,
          })[0],
      })),
  },
];

const crossEntropyFamily: CaseFamily = {
  name: 'crossEntropy',
  cases: fc.tuple(fc.integer({ min: 1, max: 5 }), batchSize).map(([classes, batch]) => ({
    label: `crossEntropy ${classes} classes N=${batch}`,
    batch,
    inputs: [x(['N', classes]), { shape: ['N'], fill: whole(0, classes - 1), dtype: 'int64' }],
    emit: ([logits, labels]) => crossEntropy(logits, labels),
  })),
};

const binaryCrossEntropyFamily: CaseFamily = {
  name: 'binaryCrossEntropy',
  cases: fc.tuple(smallDim, batchSize).map(([bits, batch]) => ({
    label: `binaryCrossEntropy ${bits} bits N=${batch}`,
    batch,
    inputs: [x(['N', bits], anything), { shape: ['N', bits], fill: whole(0, 1) }],
    emit: ([logits, targets]) => binaryCrossEntropy(logits, targets),
  })),
};

/** Differentiable ops and composites. */
export const computingCases: readonly CaseFamily[] = [
  reduction('ReduceSum', reduceSum),
  reduction('ReduceMean', reduceMean),
  reduction('ReduceMax', reduceMax, distinct),
  reduction('ReduceSumSquare', reduceSumSquare),
  alongAxis('Softmax', softmax),
  alongAxis('LogSoftmax', logSoftmax),
  gemmFamily,
  matMulFamily,
  batchMatMulFamily,
  ...batchNormFamilies,
  lrnFamily,
  ...resizeFamilies,
  crossEntropyFamily,
  binaryCrossEntropyFamily,
];

/** Ops without a gradient. */
export const countingCases: readonly CaseFamily[] = [alongAxis('ArgMax', argMax)];
