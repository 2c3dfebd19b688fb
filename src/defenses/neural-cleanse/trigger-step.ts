// One step of Neural Cleanse as one graph: triggers of several classes against one batch of images, their gradients, Adam.
import type { Preprocessing } from '../../data/preprocessing.ts';
import { inputPixels, normalize } from '../../data/preprocessing.ts';
import { gradients } from '../../graph/autodiff.ts';
import { Graph, type Value } from '../../graph/graph.ts';
import { add } from '../../graph/ops/add.ts';
import { argMax } from '../../graph/ops/arg-max.ts';
import { cast } from '../../graph/ops/cast.ts';
import { equal } from '../../graph/ops/equal.ts';
import { logSoftmax } from '../../graph/ops/log-softmax.ts';
import { mul } from '../../graph/ops/mul.ts';
import { neg } from '../../graph/ops/neg.ts';
import { oneHot } from '../../graph/ops/one-hot.ts';
import { reduceMean } from '../../graph/ops/reduce-mean.ts';
import { reduceSum } from '../../graph/ops/reduce-sum.ts';
import { reshape } from '../../graph/ops/reshape.ts';
import { slice } from '../../graph/ops/slice.ts';
import { sub } from '../../graph/ops/sub.ts';
import { tanh } from '../../graph/ops/tanh.ts';
import { unsqueeze } from '../../graph/ops/unsqueeze.ts';
import { constantLogits } from '../../train/constant-network.ts';
import type { Network } from '../../train/network.ts';
import { type Optimizer, optimizer } from '../../train/optimizers.ts';
import type { Classifier } from '../defense.ts';

/** Adam's decay rates in the authors' program. */
const BETAS = [0.5, 0.9] as const;
/** Keeps tanh(θ) / (2 − ε) + 0.5 inside [0, 1]. */
export const TANH_EPSILON = 1e-7;

export function triggerOptimizer(learningRate: number): Optimizer {
  return optimizer({ ...{ optimizer: 'adam', learningRate, momentum: 0, weightDecay: 0 }, betas: BETAS });
}

/** Pixels in [0, 1] at the input's size, without what a run's own trigger lays over them. */
export function pixelsOf(graph: Graph, { preprocessing }: Network): Value {
  return inputPixels(graph, plain(preprocessing));
}

function plain({ overlay: _, ...preprocessing }: Preprocessing): Preprocessing {
  return preprocessing;
}

/** Logits [lanes, N, classes] of images [N, 3, S, S] under the trigger of each lane [lanes, 4, S, S] (mask first, all in [0, 1]). */
export function triggeredLogits({ network, trained }: Classifier, pixels: Value, triggers: Value): Value {
  const [lanes, , side] = triggers.shape.map(Number);
  const each = unsqueeze(triggers, [1]);
  const mask = slice(each, [0], [1], [2]);
  const pattern = slice(each, [1], [4], [2]);
  const images = unsqueeze(pixels, [0]);
  const stamped = add(images, mul(mask, sub(pattern, images)));
  const image = normalize(reshape(stamped, [-1, 3, side, side]), network.preprocessing);
  return reshape(constantLogits(network, trained, image), [lanes, -1, network.classes]);
}

/** θ as a mask or pattern in [0, 1]. */
export function squashed(theta: Value): Value {
  const { graph } = theta;
  return add(mul(tanh(theta), graph.scalar(1 / (2 - TANH_EPSILON))), graph.scalar(0.5));
}

/**
 * Inputs: `image` (uint8 [N, H, W, C]), `theta`, `slot/m`, `slot/v` (float32 [lanes, 4, S, S]), `lambda` (float32 [lanes]),
 * `target` (int64 [lanes]), `scalar/…` of `triggerOptimizer`. Outputs: `next/theta`, `next/m`, `next/v`, and before the update, for
 * each lane, `success` (share of the images taken for its class), `norm` (‖m‖₁, in pixels) and `loss` (mean cross-entropy).
 * Every lane's loss is its own, CE + λ‖m‖₁, so lanes do not touch each other.
 * @throws TriggerlabError (input) when no gradient leads through the network to its image.
 */
export function triggerStep(subject: Classifier, lanes: number, learningRate: number): Graph {
  const { network } = subject;
  const { inputSize: side } = network.preprocessing;
  const graph = new Graph(`neural cleanse ${network.model.name}`);
  const pixels = pixelsOf(graph, network);
  const shape = [lanes, 4, side, side];
  const theta = graph.input('theta', 'float32', shape);
  const lambda = graph.input('lambda', 'float32', [lanes]);
  const target = graph.input('target', 'int64', [lanes]);
  const triggers = squashed(theta);
  const logits = triggeredLogits(subject, pixels, triggers);
  const chosen = unsqueeze(oneHot(target, network.classes), [1]);
  const loss = neg(reduceMean(reduceSum(mul(logSoftmax(logits, 2), chosen), [2], false), [1], false));
  const norm = reduceSum(slice(triggers, [0], [1], [1]), [1, 2, 3], false);
  const total = reduceSum(add(loss, mul(lambda, norm)), [0], false);
  const [slope] = gradients(total, [theta]);
  if (!slope) throw new Error('triggerStep: the loss does not depend on the trigger');
  const adam = triggerOptimizer(learningRate);
  const scalars = Object.fromEntries(
    adam.scalars.map((name) => [name, graph.input(`scalar/${name}`, 'float32', [])] as const),
  );
  const slots = Object.fromEntries(
    adam.slots.map((name) => [name, graph.input(`slot/${name}`, 'float32', shape)] as const),
  );
  const next = graph.scoped('optimizer', () => adam.update(theta, slope, slots, scalars));
  const taken = cast(equal(argMax(logits, 2), unsqueeze(target, [1])), 'float32');
  graph.output('next/theta', next.parameter);
  for (const name of adam.slots) graph.output(`next/${name}`, next.state[name]);
  graph.output('success', reduceMean(taken, [1], false));
  graph.output('norm', norm);
  graph.output('loss', loss);
  return graph;
}

/**
 * What the classifier makes of images under finished triggers. Inputs: `image`, `triggers` (float32 [lanes, 4, S, S] in [0, 1]).
 * Output: `predicted` (int64 [lanes, N]).
 */
export function triggeredPrediction(subject: Classifier, lanes: number): Graph {
  const graph = new Graph(`triggered ${subject.network.model.name}`);
  const { inputSize: side } = subject.network.preprocessing;
  const pixels = pixelsOf(graph, subject.network);
  const triggers = graph.input('triggers', 'float32', [lanes, 4, side, side]);
  graph.output('predicted', argMax(triggeredLogits(subject, pixels, triggers), 2));
  return graph;
}
