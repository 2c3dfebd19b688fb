// 3×3 convolutions with frozen weights as ONNX Runtime does them and as graph/passes/lower.ts rewrites them, taking turns.
// npm run build && node bench/convolution.mjs [threads]
import * as ort from 'onnxruntime-node';
import { Rng } from '../dist/core/rng.js';
import { float32, sizeOf } from '../dist/core/tensor.js';
import { Graph } from '../dist/graph/graph.js';
import { encodeModel } from '../dist/graph/onnx/encode.js';
import { conv } from '../dist/graph/ops/conv.js';
import { winogradConv } from '../dist/graph/ops/winograd.js';

const BATCH = 16;
const ROUNDS = 15;
/** Channels in and out, and the side of the image. */
const SHAPES = [
  [64, 64, 32],
  [128, 128, 16],
  [128, 192, 16],
  [256, 256, 8],
  [512, 512, 8],
  [512, 512, 16],
  [256, 256, 32],
];
const threads = Number(process.argv[2] ?? 1);

function random(shape, seed) {
  const rng = Rng.of(seed, 'bench');
  return float32(
    shape,
    Array.from({ length: sizeOf(shape) }, () => rng.bits() / 2 ** 31),
  );
}

async function open(weights, shape, build) {
  const graph = new Graph('convolution');
  const x = graph.input('x', 'float32', ['N', ...shape.slice(1)]);
  graph.output('y', build(x, graph.constant(weights)));
  const options = { intraOpNumThreads: threads, interOpNumThreads: 1, enableMemPattern: false, logSeverityLevel: 4 };
  return ort.InferenceSession.create(encodeModel(graph), options);
}

const seconds = ({ user, system }) => (user + system) / 1e6;

for (const [inputs, outputs, side] of SHAPES) {
  const shape = [BATCH, inputs, side, side];
  const weights = random([outputs, inputs, 3, 3], 1);
  const feeds = { x: new ort.Tensor('float32', random(shape, 2).data, shape) };
  const forms = [
    await open(weights, shape, (x, w) => conv(x, w, undefined, { pads: 1 })),
    await open(weights, shape, (x, w) => winogradConv(x, w, [1, 1, 1, 1])),
  ];
  const least = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const results = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, form] of forms.entries()) {
      const before = process.cpuUsage();
      results[i] = (await form.run(feeds)).y.data;
      least[i] = Math.min(least[i], seconds(process.cpuUsage(before)));
    }
  }
  const norm = (values) => Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0));
  const difference = norm(results[0].map((value, i) => value - results[1][i])) / norm(results[0]);
  process.stdout.write(
    `${inputs} to ${outputs} channels, ${side}x${side}: Conv ${(1e3 * least[0]).toFixed(1)} ms, ` +
      `Winograd ${(1e3 * least[1]).toFixed(1)} ms of processor time, ratio ${(least[0] / least[1]).toFixed(2)}, ` +
      `relative difference ${difference.toExponential(1)}\n`,
  );
}
