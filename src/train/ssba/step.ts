// One training step of SSBA's encoder and decoder as one graph.
import { float32 } from '../../core/tensor.ts';
import { gradients } from '../../graph/autodiff.ts';
import { Graph, type Value } from '../../graph/graph.ts';
import { add } from '../../graph/ops/add.ts';
import { binaryCrossEntropy } from '../../graph/ops/binary-cross-entropy.ts';
import { cast } from '../../graph/ops/cast.ts';
import { clip } from '../../graph/ops/clip.ts';
import { conv } from '../../graph/ops/conv.ts';
import { equal } from '../../graph/ops/equal.ts';
import { greater } from '../../graph/ops/greater.ts';
import { mul } from '../../graph/ops/mul.ts';
import { reduceMean } from '../../graph/ops/reduce-mean.ts';
import { reshape } from '../../graph/ops/reshape.ts';
import type { LayerContext } from '../../models/layers.ts';
import {
  decoderLogits,
  encoderResidual,
  parameterContext,
  type StegastampSize,
  stegastampParameters,
} from '../../models/stegastamp.ts';
import { imageInput } from '../../triggers/ssba/codec.ts';
import type { SsbaSchedule } from '../../triggers/ssba/schedules.ts';
import type { Optimizer } from '../optimizers.ts';
import { type Pack, packsOf, packValues, unpackValues } from '../packing.ts';

/** The networks' parameters, as graphs carry them. */
export function ssbaPacks(size: StegastampSize): Pack[] {
  return packsOf(stegastampParameters(size));
}

export interface SsbaStep {
  readonly graph: Graph;
  /** Names that are both graph inputs and outputs (`next/<name>`). */
  readonly state: readonly string[];
}

/**
 * The step graph. Inputs: `image` (uint8 [N, S, S, C]), `secret` (float32 [N, bits], 0 or 1), `weight` (of the image's error),
 * the state and the optimiser's `scalar/<name>`. Outputs: `loss`, `accuracy` (share of the bits that are read right), `error`
 * (mean squared, values in [0, 1]), and the next state.
 */
export function ssbaStep(size: StegastampSize, schedule: SsbaSchedule, optimizer: Optimizer): SsbaStep {
  const graph = new Graph('train ssba');
  const packs = packInputs(graph, size);
  const context = contextOf(graph, packs);
  const image = imageInput(graph, size);
  const secret = graph.input('secret', 'float32', ['N', size.bits]);
  const weight = graph.input('weight', 'float32', []);
  const residual = encoderResidual(context, size, image, secret);
  const logits = decoderLogits(context, size, clip(add(image, residual), 0, 1));
  const error = meanSquare(residual);
  const seen = schedule.colors === 'yuv' && size.image.channels === 3 ? yuvError(residual) : error;
  const loss = add(mul(binaryCrossEntropy(logits, secret), graph.scalar(schedule.secretWeight)), mul(seen, weight));
  const scalars: Record<string, Value> = {};
  for (const name of optimizer.scalars) scalars[name] = graph.input(`scalar/${name}`, 'float32', []);
  const slopes = gradients(
    loss,
    packs.flatMap(({ members }) => members),
  );
  const state: string[] = [];
  const carry = (name: string, next: Value) => {
    graph.output(`next/${name}`, next);
    state.push(name);
  };
  for (const { pack, input, members } of packs) {
    const own = slopes.splice(0, members.length).map((slope, i) => {
      if (!slope) throw new Error(`ssbaStep: the loss does not depend on "${pack.members[i].name}"`);
      return slope;
    });
    graph.scoped('optimizer', () => {
      const slots: Record<string, Value> = {};
      for (const slot of optimizer.slots) slots[slot] = graph.input(`slot/${slot}/${pack.name}`, 'float32', pack.shape);
      const next = optimizer.update(input, reshape(packValues(pack, own), pack.shape), slots, scalars);
      carry(input.name, next.parameter);
      for (const slot of optimizer.slots) carry(slots[slot].name, next.state[slot]);
    });
  }
  graph.output('loss', loss);
  graph.output('accuracy', shareRight(logits, secret));
  graph.output('error', error);
  return { graph, state };
}

interface PackInput {
  readonly pack: Pack;
  readonly input: Value;
  readonly members: readonly Value[];
}

function packInputs(graph: Graph, size: StegastampSize): PackInput[] {
  return ssbaPacks(size).map((pack) => {
    const input = graph.input(`parameters/${pack.name}`, 'float32', pack.shape);
    return { pack, input, members: unpackValues(pack, input) };
  });
}

function contextOf(graph: Graph, packs: readonly PackInput[]): LayerContext {
  const values = new Map(packs.flatMap(({ pack, members }) => pack.members.map(({ name }, i) => [name, members[i]])));
  return parameterContext(graph, (name) => {
    const value = values.get(name);
    if (!value) throw new Error(`ssba: no value for "${name}"`);
    return value;
  });
}

const meanSquare = (x: Value) => reduceMean(mul(x, x), [0, 1, 2, 3], false);

/** RGB to YUV as TensorFlow's rgb_to_yuv, the rows times the roots of 1, 100 and 100. */
const SCALED_YUV = [
  [0.299, 0.587, 0.114],
  [-1.4714119, -2.8886916, 4.3601035],
  [6.14975, -5.1496512, -1.0001019],
];

function yuvError(residual: Value): Value {
  const kernel = residual.graph.constant(float32([3, 3, 1, 1], SCALED_YUV.flat()));
  return mul(meanSquare(conv(residual, kernel)), residual.graph.scalar(3));
}

function shareRight(logits: Value, secret: Value): Value {
  const read = cast(greater(logits, logits.graph.scalar(0)), 'float32');
  return reduceMean(cast(equal(read, secret), 'float32'), [0, 1], false);
}
