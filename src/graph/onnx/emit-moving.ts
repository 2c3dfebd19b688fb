// Ops of imported models that move elements; on shapes they are carried out while the graph is built.
import { filled, type Tensor } from '../../core/tensor.ts';
import { cast } from '../ops/cast.ts';
import { concat } from '../ops/concat.ts';
import { gather } from '../ops/gather.ts';
import { Pad } from '../ops/pad.ts';
import { reshape } from '../ops/reshape.ts';
import { slice } from '../ops/slice.ts';
import { split } from '../ops/split.ts';
import { transpose } from '../ops/transpose.ts';
import { normalizeAxis, staticDim } from '../shapes.ts';
import { FAR, perImage } from './emit-shapes.ts';
import { pickTensor, transposeTensor } from './fold.ts';
import { frontAxes, gatherKnown, type Known, knownVector, numbersOf, sliceKnown } from './known.ts';
import type { Emit } from './view.ts';

const transposed: Emit = (node) => {
  const content = node.tensor(0);
  const rank = content?.shape.length ?? node.input(0).rank;
  const order = node.ints('perm') ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
  return [content ? { tensor: transposeTensor(content, order) } : transpose(node.input(0), order)];
};

const joined: Emit = (node) => {
  const knowns = node.node.inputs.map((_, i) => node.known(i));
  if (knowns.every((known): known is Known => known !== undefined && known.shape.length === 1)) {
    return [
      {
        known: knownVector(
          knowns.flatMap(({ dims }) => dims),
          knowns[0]?.dtype,
        ),
      },
    ];
  }
  const values = node.node.inputs.map((_, i) => node.input(i));
  const axis = normalizeAxis(node.int('axis', 1), values[0].rank);
  const batch = node.around.image.shape[0];
  const mixed =
    axis !== 0 && values.some(({ shape }) => shape[0] === batch) && values.some(({ shape }) => shape[0] === 1);
  // A token for "the" image of a file made for batches of one belongs to every image.
  return [concat(mixed ? values.map((value) => (value.shape[0] === 1 ? perImage(node, value) : value)) : values, axis)];
};

const gathered: Emit = (node) => {
  const [small, indices] = [node.known(0), node.known(1)];
  const known = small && indices && node.int('axis', 0) === 0 && gatherKnown(small, indices);
  if (known) return [{ known }];
  const at = node.input(1);
  return [
    gather(node.input(0), at.dtype === 'int64' || at.dtype === 'int32' ? at : cast(at, 'int64'), node.int('axis', 0)),
  ];
};

const SMALL = 1024;
const isFloat = ({ dtype }: Tensor) => dtype === 'float32' || dtype === 'float64';

const sliced: Emit = (node) => {
  const [starts, ends] = [node.numbers(1, 'starts') ?? [], node.numbers(2, 'ends') ?? []];
  const steps = node.numbers(4) ?? starts.map(() => 1);
  if (ends.length !== starts.length || steps.length !== starts.length)
    throw new Error('starts, ends and steps differ in length');
  const axes = node.numbers(3, 'axes') ?? starts.map((_, i) => i);
  const small = node.known(0);
  const known = small && starts.length === 1 && sliceKnown(small, starts[0], ends[0], steps[0]);
  if (known) return [{ known }];
  const content = node.tensor(0);
  // Tables of pads and the like; what is cut out of weights stays a computation.
  if (content && !isFloat(content) && content.data.length <= SMALL) {
    return [
      {
        tensor: starts.reduce((table, start, i) => {
          const axis = normalizeAxis(axes[i], table.shape.length);
          const all = knownVector(Array.from({ length: table.shape[axis] }, (_, at) => at));
          const kept = sliceKnown(all, start, ends[i], steps[i]);
          return pickTensor(table, axis, (kept && numbersOf(kept)) ?? []);
        }, content),
      },
    ];
  }
  const x = node.input(0);
  // Taking all of the batch is no cut.
  const cut = starts.flatMap((start, i) => {
    const whole = typeof x.shape[normalizeAxis(axes[i], x.rank)] === 'string' && start === 0 && ends[i] >= FAR - 1;
    return whole && steps[i] === 1 ? [] : [i];
  });
  if (cut.length === 0) return [x];
  const pick = (numbers: readonly number[]) => cut.map((i) => numbers[i]);
  return [slice(x, pick(starts), pick(ends), pick(axes), pick(steps))];
};

const cutUp: Emit = (node) => {
  const x = node.input(0);
  const axis = normalizeAxis(node.int('axis', 0), x.rank);
  const parts = node.node.outputs.length;
  const given = node.numbers(1, 'split');
  const total = staticDim(x.shape[axis], 'the dimension to split');
  const even = Math.ceil(total / parts);
  const sizes = given ?? Array.from({ length: parts }, (_, i) => Math.min(even, total - i * even));
  if (sizes.some((size) => size < 0)) throw new Error(`sizes [${sizes}] do not add up to ${total}`);
  return split(x, sizes, axis);
};

const padded: Emit = (node) => {
  const x = node.input(0);
  const given = node.numbers(1, node.ints('paddings') ? 'paddings' : 'pads') ?? [];
  const axes = frontAxes(node.numbers(3) ?? x.shape.map((_, axis) => axis), x.rank);
  const pads = new Array<number>(2 * x.rank).fill(0);
  if (given.length !== 2 * axes.length) throw new Error(`${given.length} pads for ${axes.length} axes`);
  axes.forEach((axis, i) => {
    pads[axis] = given[i];
    pads[axis + x.rank] = given[i + axes.length];
  });
  if (pads.every((count) => count === 0)) return [x];
  const value = node.opset >= 11 ? (node.scalar(2) ?? 0) : node.float('value', 0);
  const mode = node.string('mode', 'constant');
  const fill = mode === 'constant' ? [node.graph.constant(filled([], value))] : [];
  return node.graph.add(Pad, [x, node.graph.vector(pads), ...fill], { mode });
};

/** [N, C·b², H, W] ↔ [N, C, H·b, W·b]. */
const blocks =
  (toSpace: boolean): Emit =>
  (node) => {
    const x = node.input(0);
    const b = node.int('blocksize', 0);
    const [c, h, w] = x.shape.slice(1).map((dim) => staticDim(dim, 'a dimension of an image'));
    if (x.rank !== 4 || b < 1 || (toSpace ? c % (b * b) : (h % b) + (w % b)) !== 0)
      throw new Error(`blocksize ${b} does not fit [${x.shape}]`);
    if (!toSpace) {
      return [
        reshape(transpose(reshape(x, [-1, c, h / b, b, w / b, b]), [0, 3, 5, 1, 2, 4]), [-1, c * b * b, h / b, w / b]),
      ];
    }
    const depth = c / (b * b);
    const columns = node.string('mode', 'DCR') === 'CRD';
    const parts = columns ? [-1, depth, b, b, h, w] : [-1, b, b, depth, h, w];
    return [
      reshape(transpose(reshape(x, parts), columns ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2]), [
        -1,
        depth,
        h * b,
        w * b,
      ]),
    ];
  };

export const movingEmitters: Readonly<Record<string, Emit>> = {
  Transpose: transposed,
  Concat: joined,
  Split: cutUp,
  Slice: sliced,
  Pad: padded,
  Gather: gathered,
  DepthToSpace: blocks(true),
  SpaceToDepth: blocks(false),
};
