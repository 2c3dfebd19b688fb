// Random cases of the ops that move, pick and place elements.
import fc from 'fast-check';
import { float32, int64 } from '../../../src/core/tensor.ts';
import type { Dim } from '../../../src/graph/graph.ts';
import { concat } from '../../../src/graph/ops/concat.ts';
import { fullLike } from '../../../src/graph/ops/constant-of-shape.ts';
import { expandLike } from '../../../src/graph/ops/expand.ts';
import { flatten } from '../../../src/graph/ops/flatten.ts';
import { gather } from '../../../src/graph/ops/gather.ts';
import { mul } from '../../../src/graph/ops/mul.ts';
import { oneHot } from '../../../src/graph/ops/one-hot.ts';
import { Pad, pad } from '../../../src/graph/ops/pad.ts';
import { reshape, reshapeLike } from '../../../src/graph/ops/reshape.ts';
import { scatterElements } from '../../../src/graph/ops/scatter-elements.ts';
import { scatterNd } from '../../../src/graph/ops/scatter-nd.ts';
import { shapeOf } from '../../../src/graph/ops/shape.ts';
import { sizeOfValue } from '../../../src/graph/ops/size.ts';
import { slice } from '../../../src/graph/ops/slice.ts';
import { Split, split } from '../../../src/graph/ops/split.ts';
import { Squeeze, squeeze } from '../../../src/graph/ops/squeeze.ts';
import { transpose } from '../../../src/graph/ops/transpose.ts';
import { unsqueeze } from '../../../src/graph/ops/unsqueeze.ts';
import {
  batchShape,
  batchSize,
  type CaseFamily,
  type CaseInput,
  flag,
  type OpCase,
  smallDim,
  whole,
  x,
} from './case.ts';

function family<T>(
  name: string,
  parts: fc.Arbitrary<T>,
  make: (parts: T) => Pick<OpCase, 'inputs' | 'emit'>,
): CaseFamily {
  return {
    name,
    cases: fc.tuple(parts, batchSize).map(([chosen, batch]) => ({
      label: `${name} ${JSON.stringify(chosen)} N=${batch}`,
      batch,
      ...make(chosen),
    })),
  };
}

const axisIn = (rank: number, from = 0) =>
  fc.integer({ min: from, max: rank - 1 }).chain((axis) => fc.constantFrom(axis, axis - rank));

const reshapes = fc.constantFrom<[Dim[], number[]]>(
  [
    ['N', 4, 3],
    [-1, 12],
  ],
  [
    ['N', 4, 3],
    [0, 2, 6],
  ],
  [['N', 4, 3], [-1]],
  [
    ['N', 4, 3],
    [2, -1, 3],
  ],
  [
    ['N', 4, 3],
    [-1, 3],
  ],
  [
    ['N', 4, 3],
    [0, -1],
  ],
  [
    ['N', 4, 3],
    [0, 0, 3, 1],
  ],
  [
    [4, 3],
    [2, 6],
  ],
  [
    [4, 3],
    [3, -1],
  ],
);

const slices = fc
  .array(
    fc.record({
      size: fc.integer({ min: 1, max: 5 }),
      a: fc.integer({ min: -7, max: 7 }),
      b: fc.integer({ min: -7, max: 7 }),
      step: fc.constantFrom(1, 1, 2, 3, -1, -2),
    }),
    { minLength: 1, maxLength: 3 },
  )
  .filter((cuts) => cuts.every(({ size, a, b, step }) => kept(size, a, b, step) > 0));

/** How many elements Python keeps of range(size)[a:b:step]. */
function kept(size: number, a: number, b: number, step: number): number {
  const places = Array.from({ length: size }, (_, i) => i);
  const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
  const clamp = (at: number) => Math.min(Math.max(at < 0 ? at + size : at, low), high);
  const [from, to] = [Math.max(clamp(a), 0), clamp(b)];
  return places.filter((at) => (step > 0 ? at >= from && at < to : at <= from && at > to) && (at - from) % step === 0)
    .length;
}

const pads = fc.array(
  fc.record({
    size: fc.integer({ min: 2, max: 4 }),
    before: fc.integer({ min: -1, max: 2 }),
    after: fc.integer({ min: 0, max: 2 }),
  }),
  { minLength: 1, maxLength: 3 },
);

const gathers = fc
  .tuple(fc.array(smallDim, { minLength: 1, maxLength: 2 }), fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }))
  .chain(([rest, taken]) =>
    fc.record({ rest: fc.constant(rest), taken: fc.constant(taken), axis: axisIn(rest.length + 1, 1) }),
  );

const permutations = fc.constantFrom([0, 2, 1, 3], [3, 1, 0, 2], [1, 0, 3, 2], [2, 3, 0, 1], [3, 2, 1, 0]);

const indices = (shape: Dim[], size: number): CaseInput => ({ shape, fill: whole(-size, size - 1), dtype: 'int64' });

/** Differentiable ops. */
export const movingCases: readonly CaseFamily[] = [
  family('Reshape', reshapes, ([from, to]) => ({
    inputs: [x(from)],
    emit: ([a]) => reshape(a, to),
  })),
  family('Reshape to the shape of a value', batchShape(4, 2), (shape) => ({
    inputs: [x([...shape, 2]), x([2, ...shape])],
    emit: ([a, b]) => mul(reshapeLike(a, b), b),
  })),
  family(
    'Flatten',
    batchShape(4, 2).chain((shape) => fc.tuple(fc.constant(shape), fc.integer({ min: -2, max: shape.length }))),
    ([shape, axis]) => ({
      inputs: [x(shape)],
      emit: ([a]) => flatten(a, axis),
    }),
  ),
  family('Transpose', permutations, (order) => ({ inputs: [x(['N', 2, 3, 1])], emit: ([a]) => transpose(a, order) })),
  family(
    'Squeeze',
    fc.constantFrom<[Dim[], number[]]>(
      [['N', 1, 3], [1]],
      [
        ['N', 3, 1, 1],
        [-1, 2],
      ],
      [[1, 'N', 1], [0]],
    ),
    ([shape, axes]) => ({
      inputs: [x(shape)],
      emit: ([a]) => squeeze(a, axes),
    }),
  ),
  family('Squeeze of every 1', fc.constantFrom<Dim[]>([2, 1, 3], [1, 4, 1]), (shape) => ({
    inputs: [x(shape)],
    emit: ([a]) => a.graph.add(Squeeze, [a])[0],
  })),
  family('Unsqueeze', fc.constantFrom([0], [1], [-1], [0, 3], [-1, 1]), (axes) => ({
    inputs: [x(['N', 3])],
    emit: ([a]) => unsqueeze(a, axes),
  })),
  family('Concat', fc.tuple(fc.array(smallDim, { minLength: 1, maxLength: 3 }), axisIn(3, 1)), ([sizes, axis]) => ({
    inputs: sizes.map((size) => x(['N', axis === 1 || axis === -2 ? size : 2, axis === 2 || axis === -1 ? size : 3])),
    emit: (values) => concat(values, axis),
  })),
  family(
    'Split',
    fc.tuple(fc.array(smallDim, { minLength: 1, maxLength: 3 }), fc.constantFrom(1, -1)),
    ([sizes, axis]) => ({
      inputs: [x(['N', sizes.reduce((sum, size) => sum + size, 0)])],
      emit: ([a]) => split(a, sizes, axis),
    }),
  ),
  family('Split with an unused part', fc.tuple(smallDim, smallDim), ([one, two]) => ({
    inputs: [x(['N', one + two, 2])],
    emit: ([a]) => split(a, [one, two], 1)[1],
  })),
  family('Split into equal parts', fc.constantFrom([6, 3], [5, 2], [4, 1]), ([size, parts]) => ({
    inputs: [x(['N', size])],
    emit: ([a]) => a.graph.add(Split, [a], { axis: 1, num_outputs: parts }),
  })),
  family('Slice', slices, (cuts) => ({
    inputs: [x(['N', ...cuts.map((cut) => cut.size)])],
    emit: ([a]) =>
      slice(
        a,
        cuts.map((cut) => cut.a),
        cuts.map((cut) => cut.b),
        cuts.map((_, i) => i + 1),
        cuts.map((cut) => cut.step),
      ),
  })),
  family('Pad', pads, (sides) => ({
    inputs: [x(['N', ...sides.map((side) => side.size)])],
    emit: ([a]) => pad(a, [0, ...sides.map((side) => side.before)], [0, ...sides.map((side) => side.after)], 0.5),
  })),
  family('Gather', gathers, ({ rest, taken, axis }) => ({
    inputs: [x(['N', ...rest]), indices(taken, rest[axis > 0 ? axis - 1 : axis + rest.length])],
    emit: ([a, i]) => gather(a, i, axis),
  })),
  family('Gather rows', fc.tuple(smallDim, smallDim), ([rows, columns]) => ({
    inputs: [x([rows, columns]), indices(['N', 2], rows)],
    emit: ([a, i]) => gather(a, i, 0),
  })),
  family('Gather with repeated indices', fc.constantFrom(0, 1), (axis) => ({
    inputs: [x([3, 3]), { shape: [4], fill: whole(1, 1), dtype: 'int64' }],
    emit: ([a, i]) => gather(a, i, axis),
  })),
  family(
    'Expand',
    batchShape(3, 2).chain((shape) => fc.tuple(fc.constant(shape), fc.array(flag, { minLength: 3, maxLength: 3 }))),
    ([shape, ones]) => ({
      inputs: [x(shape.map((dim, i) => (ones[i] ? 1 : dim))), { ...x([2, ...shape]), wrt: false }],
      emit: ([a, like]) => expandLike(a, like),
    }),
  ),
];

/** Ops without a gradient, or that only backward passes emit. */
export const placingCases: readonly CaseFamily[] = [
  family(
    'ScatterElements',
    fc.tuple(fc.constantFrom<'none' | 'add'>('none', 'add'), fc.constantFrom(0, 1)),
    ([reduction, axis]) => ({
      inputs: [
        x([4, 3]),
        { shape: axis === 0 ? [1, 3] : [4, 1], fill: whole(0, 2), dtype: 'int64' },
        x(axis === 0 ? [1, 3] : [4, 1]),
      ],
      emit: ([a, i, updates]) => scatterElements(a, i, updates, axis, reduction),
    }),
  ),
  family('ScatterND', fc.tuple(smallDim, smallDim), ([rows, count]) => ({
    inputs: [x([rows, 'N']), indices([count, 1], rows), x([count, 'N'])],
    emit: ([a, i, updates]) => scatterNd(a, i, updates, 'add'),
  })),
  family('OneHot', smallDim, (classes) => ({
    inputs: [{ shape: ['N'], fill: whole(0, classes - 1), dtype: 'int64' }],
    emit: ([labels]) => oneHot(labels, classes),
  })),
  family('Shape, Size and ConstantOfShape', batchShape(), (shape) => ({
    inputs: [x(shape)],
    emit: ([a]) => [shapeOf(a), sizeOfValue(a), fullLike(a, 0.5)],
  })),
  family('Pad at the edge and by reflection', fc.constantFrom('edge', 'reflect'), (mode) => ({
    inputs: [x(['N', 3, 3])],
    emit: ([a]) =>
      a.graph.add(Pad, [a, a.graph.constant(int64([6], [0, 1, 2, 0, 2, 0])), a.graph.constant(float32([], [0]))], {
        mode,
      })[0],
  })),
];
