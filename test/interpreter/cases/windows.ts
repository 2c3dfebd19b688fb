// Random cases of convolutions and pools.
import fc from 'fast-check';
import { AveragePool, averagePool } from '../../../src/graph/ops/average-pool.ts';
import { Conv, conv } from '../../../src/graph/ops/conv.ts';
import { convTranspose } from '../../../src/graph/ops/conv-transpose.ts';
import { globalAveragePool } from '../../../src/graph/ops/global-average-pool.ts';
import { MaxPool, maxPool } from '../../../src/graph/ops/max-pool.ts';
import type { Pair } from '../../../src/graph/ops/windows.ts';
import { batchSize, type CaseFamily, distinct, flag, smallDim, x } from './case.ts';

const pairOf = (max: number, min = 1): fc.Arbitrary<[number, number]> =>
  fc.tuple(fc.integer({ min, max }), fc.integer({ min, max }));
type Pads = [number, number, number, number];

interface Geometry {
  readonly kernel: Pair;
  readonly strides: Pair;
  readonly dilations: Pair;
  readonly pads: Pads;
  readonly size: readonly number[];
}

/** Pads below the kernel's reach on each side, and an image that the padded kernel fits. */
function geometry(maxKernel: number, maxPad: (reach: number) => number, dilated: boolean): fc.Arbitrary<Geometry> {
  return fc
    .record({
      kernel: pairOf(maxKernel),
      strides: pairOf(3),
      dilations: dilated ? pairOf(2) : fc.constant<[number, number]>([1, 1]),
      padding: fc.array(fc.nat(3), { minLength: 4, maxLength: 4 }),
      extra: pairOf(5, 0),
    })
    .map(({ kernel, strides, dilations, padding, extra }) => {
      const reach = [0, 1].map((i) => (kernel[i] - 1) * dilations[i] + 1);
      const pads = padding.map((pad, i) => Math.min(pad, maxPad(reach[i % 2]))) as Pads;
      const size = [0, 1].map((i) => Math.max(1, reach[i] - pads[i] - pads[i + 2]) + extra[i]);
      return { kernel, strides, dilations, pads, size };
    });
}

const channels = fc.record({
  group: fc.constantFrom(1, 1, 2, 3),
  inputs: fc.constantFrom(1, 2),
  outputs: fc.constantFrom(1, 2),
});

function convFamily(name: string, shapes: fc.Arbitrary<Geometry>, constant: boolean): CaseFamily {
  return {
    name,
    cases: fc.record({ g: shapes, c: channels, batch: batchSize, biased: flag }).map(({ g, c, batch, biased }) => {
      const { group } = c;
      const bias = biased ? [x([c.outputs * group])] : [];
      const weight = x([c.outputs * group, c.inputs, ...g.kernel]);
      return {
        label: `Conv ${JSON.stringify({ ...g, ...c, batch, biased })}`,
        batch,
        inputs: [
          x(['N', c.inputs * group, ...g.size]),
          constant ? { ...weight, constant, wrt: false } : weight,
          ...bias,
        ],
        emit: ([a, w, b]) => conv(a, w, b, { ...g, group }),
      };
    }),
  };
}

const convGeometry = geometry(3, (reach) => reach, true);
const fixed = (kernel: Pair, strides: Pair, pads: Pads, size: Pair): fc.Arbitrary<Geometry> =>
  fc.constant({ kernel, strides, dilations: [1, 1], pads, size });

/** Windows placed by auto_pad, as imported models have them. */
function autoPadFamily(): CaseFamily {
  return {
    name: 'windows under auto_pad',
    cases: fc
      .record({
        mode: fc.constantFrom('SAME_UPPER', 'SAME_LOWER', 'VALID'),
        op: fc.constantFrom('conv', 'max', 'average'),
        kernel: pairOf(3),
        slide: fc.nat(2),
        extra: pairOf(4, 0),
        batch: batchSize,
      })
      .map(({ mode, op, kernel, slide, extra, batch }) => {
        // ONNX Runtime's pools read beyond the image where a stride exceeds the kernel under auto_pad.
        const stride = Math.min(slide + 1, ...kernel);
        const image = ['N', 2, kernel[0] + extra[0], kernel[1] + extra[1]];
        const attributes = { auto_pad: mode, strides: [stride, stride] };
        const pool = op === 'max' ? MaxPool : AveragePool;
        return {
          label: `${op} ${mode} kernel ${kernel} stride ${stride} on ${image}`,
          batch,
          inputs: [x(image, distinct), ...(op === 'conv' ? [x([2, 2, ...kernel])] : [])],
          emit: ([a, w]) =>
            op === 'conv'
              ? a.graph.add(Conv, [a, w], attributes)[0]
              : a.graph.add(pool, [a], { ...attributes, kernel_shape: [...kernel] })[0],
        };
      }),
  };
}

function poolFamily(kind: 'MaxPool' | 'AveragePool'): CaseFamily {
  // PyTorch and ONNX Runtime ask for pads of at most half the kernel.
  const shapes = geometry(3, (reach) => Math.floor(reach / 2), false);
  return {
    name: kind,
    cases: fc
      .record({ g: shapes, planes: smallDim, batch: batchSize, ceilMode: flag, countIncludePad: flag })
      .map(({ g: drawn, planes, batch, ceilMode, countIncludePad }) => {
        // Counted padding and ceil mode go together only where no window starts in the padding.
        const free = kind === 'MaxPool' || !ceilMode || !countIncludePad;
        const stride = (i: 0 | 1) => Math.min(drawn.strides[i], free ? 3 : drawn.kernel[i] - drawn.pads[i + 2]);
        return { g: { ...drawn, strides: [stride(0), stride(1)] as const }, planes, batch, ceilMode, countIncludePad };
      })
      .map(({ g, planes, batch, ceilMode, countIncludePad }) => ({
        label: `${kind} ${JSON.stringify({ ...g, planes, batch, ceilMode, countIncludePad })}`,
        batch,
        inputs: [x(['N', planes, ...g.size], distinct)],
        emit: ([a]) =>
          kind === 'MaxPool'
            ? maxPool(a, g.kernel, { ...g, ceilMode })
            : averagePool(a, g.kernel, { ...g, ceilMode, countIncludePad }),
      })),
  };
}

export const windowCases: readonly CaseFamily[] = [
  convFamily('Conv', convGeometry, false),
  convFamily('Conv with constant weights', convGeometry, true),
  convFamily('Conv 3×2 stride 1 with constant weights', fixed([3, 2], [1, 1], [1, 1, 2, 0], [4, 4]), true),
  convFamily('Conv 1×1 stride 2', fixed([1, 1], [2, 2], [0, 0, 0, 0], [5, 4]), false),
  convFamily('Conv 3×3 stride 1 padding 1', fixed([3, 3], [1, 1], [1, 1, 1, 1], [4, 4]), false),
  convFamily('Conv with even kernel, asymmetric padding', fixed([2, 4], [2, 1], [0, 1, 1, 2], [4, 5]), false),
  convFamily('Conv with more padding than kernel', fixed([1, 2], [1, 1], [1, 2, 2, 1], [3, 3]), false),
  autoPadFamily(),
  poolFamily('MaxPool'),
  poolFamily('AveragePool'),
  {
    name: 'GlobalAveragePool',
    cases: fc.tuple(smallDim, pairOf(4), batchSize).map(([planes, size, batch]) => ({
      label: `GlobalAveragePool ${planes} ${size}`,
      batch,
      inputs: [x(['N', planes, ...size])],
      emit: ([a]) => globalAveragePool(a),
    })),
  },
];

/** Ops that only backward passes emit. */
export const backwardWindowCases: readonly CaseFamily[] = [
  {
    name: 'ConvTranspose',
    cases: fc
      .record({
        kernel: pairOf(3),
        strides: pairOf(3),
        dilations: pairOf(2),
        size: pairOf(3),
        c: channels,
        batch: batchSize,
      })
      .map(({ kernel, strides, dilations, size, c, batch }) => {
        const outputPadding: [number, number] = [strides[0] - 1, strides[1] - 1];
        const pads = [0, 1, 0, 1].map((i, side) =>
          side < 2 ? Math.min(1, (kernel[i] - 1) * dilations[i]) : 0,
        ) as Pads;
        return {
          label: `ConvTranspose ${JSON.stringify({ kernel, strides, dilations, size, c, batch })}`,
          batch,
          inputs: [x(['N', c.inputs * c.group, ...size]), x([c.inputs * c.group, c.outputs, ...kernel])],
          emit: ([a, w]) => convTranspose(a, w, { strides, dilations, pads, group: c.group, outputPadding }),
        };
      }),
  },
];
