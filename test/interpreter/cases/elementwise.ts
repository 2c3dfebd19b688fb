// Random cases of the elementwise ops.
import fc from 'fast-check';
import { float32 } from '../../../src/core/tensor.ts';
import type { OpDefinition, Shape, Value } from '../../../src/graph/graph.ts';
import { abs } from '../../../src/graph/ops/abs.ts';
import { add } from '../../../src/graph/ops/add.ts';
import { and } from '../../../src/graph/ops/and.ts';
import { cast } from '../../../src/graph/ops/cast.ts';
import { clip } from '../../../src/graph/ops/clip.ts';
import { div } from '../../../src/graph/ops/div.ts';
import { Dropout, dropout } from '../../../src/graph/ops/dropout.ts';
import { equal } from '../../../src/graph/ops/equal.ts';
import { erf } from '../../../src/graph/ops/erf.ts';
import { exp } from '../../../src/graph/ops/exp.ts';
import { greater } from '../../../src/graph/ops/greater.ts';
import { greaterOrEqual } from '../../../src/graph/ops/greater-or-equal.ts';
import { identity } from '../../../src/graph/ops/identity.ts';
import { less } from '../../../src/graph/ops/less.ts';
import { lessOrEqual } from '../../../src/graph/ops/less-or-equal.ts';
import { log } from '../../../src/graph/ops/log.ts';
import { Max, max } from '../../../src/graph/ops/max.ts';
import { Min, min } from '../../../src/graph/ops/min.ts';
import { mul } from '../../../src/graph/ops/mul.ts';
import { neg } from '../../../src/graph/ops/neg.ts';
import { pow } from '../../../src/graph/ops/pow.ts';
import { relu } from '../../../src/graph/ops/relu.ts';
import { sigmoid } from '../../../src/graph/ops/sigmoid.ts';
import { sign } from '../../../src/graph/ops/sign.ts';
import { sqrt } from '../../../src/graph/ops/sqrt.ts';
import { sub } from '../../../src/graph/ops/sub.ts';
import { tanh } from '../../../src/graph/ops/tanh.ts';
import { where } from '../../../src/graph/ops/where.ts';
import {
  anything,
  awayFrom,
  batchShape,
  batchSize,
  type CaseFamily,
  distinct,
  type Filling,
  flag,
  positive,
  whole,
  x,
} from './case.ts';

function unary(name: string, fill: Filling, emit: (x: Value) => Value): CaseFamily {
  return {
    name,
    cases: fc.tuple(batchShape(), batchSize).map(([shape, batch]) => ({
      label: `${name} [${shape}]`,
      batch,
      inputs: [x(shape, fill)],
      emit: ([a]) => emit(a),
    })),
  };
}

/** `count` shapes that broadcast together: each keeps, sets to 1 or drops dimensions of a common shape. */
function broadcastShapes(count: number): fc.Arbitrary<Shape[]> {
  const one = (full: Shape) =>
    fc.tuple(fc.nat(full.length), fc.array(flag, { minLength: 4, maxLength: 4 })).map(([dropped, ones]) =>
      // Half of the time nothing is dropped.
      full.map((dim, axis) => (ones[axis] ? 1 : dim)).slice(dropped > full.length / 2 ? dropped : 0),
    );
  return batchShape().chain((full) => fc.tuple(...Array.from({ length: count }, () => one(full)), fc.constant(full)));
}

function nary(name: string, fills: readonly Filling[], emit: (...values: Value[]) => Value): CaseFamily {
  return {
    name,
    cases: fc.tuple(broadcastShapes(fills.length), batchSize).map(([shapes, batch]) => ({
      label: `${name} ${fills.map((_, i) => `[${shapes[i]}]`).join(' ')} N=${batch}`,
      batch,
      inputs: fills.map((fill, i) => x(shapes[i], fill)),
      emit: (values) => emit(...values),
    })),
  };
}

function clipCases(): CaseFamily {
  const bounds = fc.constantFrom<[number | undefined, number | undefined]>(
    [-0.5, 0.75],
    [undefined, 0.75],
    [-0.5, undefined],
    [undefined, undefined],
  );
  return {
    name: 'Clip',
    cases: fc.tuple(batchShape(), batchSize, bounds).map(([shape, batch, [low, high]]) => ({
      label: `Clip [${shape}] ${low}…${high}`,
      batch,
      inputs: [x(shape, awayFrom(-0.5, 0.75))],
      emit: ([a]) => clip(a, low, high),
    })),
  };
}

function whereCases(): CaseFamily {
  return {
    name: 'Where',
    cases: fc.tuple(broadcastShapes(3), batchSize).map(([[condition, a, b], batch]) => ({
      label: `Where [${condition}] [${a}] [${b}]`,
      batch,
      inputs: [{ shape: condition, fill: whole(0, 1), dtype: 'bool' }, x(a), x(b)],
      emit: ([c, yes, no]) => where(c, yes, no),
    })),
  };
}

function dropoutCases(): CaseFamily {
  return {
    name: 'dropout with a fed mask',
    cases: fc.tuple(batchShape(), batchSize, fc.constantFrom(0.1, 0.5)).map(([shape, batch, rate]) => ({
      label: `dropout [${shape}] ${rate}`,
      batch,
      inputs: [x(shape), { shape, fill: whole(0, 1), dtype: 'uint8' }],
      emit: ([a, keep]) => dropout(a, keep, rate),
    })),
  };
}

/** Min and Max take any number of inputs. */
const single = (definition: OpDefinition) => (a: Value) => a.graph.add(definition, [a])[0];

/** Differentiable ops. */
export const elementwiseCases: readonly CaseFamily[] = [
  unary('Abs', awayFrom(0), abs),
  unary('Neg', anything, neg),
  unary('Sqrt', positive, sqrt),
  unary('Erf', anything, erf),
  unary('Exp', anything, exp),
  unary('Log', positive, log),
  unary('Tanh', anything, tanh),
  unary('Sigmoid', anything, sigmoid),
  unary('Relu', awayFrom(0), relu),
  unary('Sign', awayFrom(0), (a) => mul(sign(a), a)),
  unary('Identity', anything, identity),
  unary('Dropout at inference', anything, (a) => a.graph.add(Dropout, [a])[0]),
  unary('Cast to float64 and back', anything, (a) => cast(mul(cast(a, 'float64'), cast(a, 'float64')), 'float32')),
  unary('Min of one value', anything, single(Min)),
  unary('Max of one value', anything, single(Max)),
  unary('Add of a value to itself', anything, (a) => mul(add(a, a), a)),
  unary('Mul by a scalar', anything, (a) => mul(a, a.graph.constant(float32([], [0.5])))),
  nary('Add', [anything, anything], add),
  nary('Sub', [anything, anything], sub),
  nary('Mul', [anything, anything], mul),
  nary('Div', [anything, positive], div),
  nary('Pow', [positive, anything], pow),
  nary('Min', [distinct, distinct], min),
  nary('Max', [distinct, distinct], max),
  clipCases(),
  whereCases(),
  dropoutCases(),
];

/** Ops whose results are whole numbers or booleans. */
export const comparisonCases: readonly CaseFamily[] = [
  nary('Equal', [whole(0, 2), whole(0, 2)], equal),
  nary('Greater', [whole(0, 2), whole(0, 2)], greater),
  nary('GreaterOrEqual', [whole(0, 2), whole(0, 2)], greaterOrEqual),
  nary('Less', [whole(0, 2), whole(0, 2)], less),
  nary('LessOrEqual', [whole(0, 2), whole(0, 2)], lessOrEqual),
  nary('And', [whole(0, 2), whole(0, 2)], (a, b) => and(greater(a, b), less(b, a))),
  unary('Cast to int64', anything, (a) => cast(a, 'int64')),
  unary('Cast to bool', whole(-1, 1), (a) => cast(a, 'bool')),
  nary('Min of three', [anything, anything, anything], (a, b, c) => a.graph.add(Min, [a, b, c])[0]),
];
