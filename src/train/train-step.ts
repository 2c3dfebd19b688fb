// One training step as one graph: preprocessing, forward, loss, backward, optimiser; state in, state out.
import { gradients } from '../graph/autodiff.ts';
import { Graph, type Node, type Value } from '../graph/graph.ts';
import { add } from '../graph/ops/add.ts';
import { crossEntropy } from '../graph/ops/cross-entropy.ts';
import { gather } from '../graph/ops/gather.ts';
import { max } from '../graph/ops/max.ts';
import { min } from '../graph/ops/min.ts';
import { mul } from '../graph/ops/mul.ts';
import { reshape } from '../graph/ops/reshape.ts';
import type { NetworkOutput } from '../models/architecture.ts';
import { updateInBlocks } from './block-update.ts';
import type { FrozenPart } from './frozen-part.ts';
import { type DropoutMask, emitForward, type Network } from './network.ts';
import type { Optimizer } from './optimizers.ts';
import { isLarge, packValues } from './packing.ts';

/** Mean cross-entropy over the batch, that of auxiliary heads added with their weights. */
function totalLoss({ logits, auxiliary = [] }: NetworkOutput, labels: Value): Value {
  return auxiliary.reduce(
    (sum, head) => add(sum, mul(crossEntropy(head.logits, labels), logits.graph.scalar(head.weight))),
    crossEntropy(logits, labels),
  );
}

export interface TrainStep {
  readonly graph: Graph;
  /** Names that are both graph inputs and outputs (`next/<name>`): parameters, optimiser slots, running statistics. */
  readonly state: readonly string[];
  /** State tensors whose new value may be written where the old one lies: each part is read before it is written. */
  readonly inPlace: readonly string[];
  readonly masks: readonly DropoutMask[];
}

/**
 * The step graph; with `frozen` it takes `features` in place of images. Inputs besides `emitForward`'s: `labels` (int64 [N]), `slot/<slot>/<pack>`, `scalar/<name>`.
 * Outputs: `loss` (mean over the batch) and `next/<input>` for every state tensor.
 */
export function trainStep(network: Network, optimizer: Optimizer, frozen?: FrozenPart): TrainStep {
  const graph = new Graph(`train ${network.model.name}`);
  const forward = frozen?.rest(graph) ?? emitForward(graph, network, 'train');
  const labels = graph.input('labels', 'int64', ['N']);
  const loss = graph.scoped('loss', () => totalLoss(forward, labels));
  const scalars: Record<string, Value> = {};
  for (const name of optimizer.scalars) scalars[name] = graph.input(`scalar/${name}`, 'float32', []);
  const state: string[] = [];
  const carry = (name: string, next: Value) => {
    graph.output(`next/${name}`, next);
    state.push(name);
  };
  const forwardNodes = graph.nodes.length;
  const slopes = gradients(
    loss,
    forward.packs.flatMap(({ members }) => members),
  );
  const backward = graph.nodes.slice(forwardNodes);
  const inPlace: string[] = [];
  for (const { pack, input, members } of forward.packs) {
    if (isLarge(pack)) inPlace.push(input.name, ...optimizer.slots.map((slot) => `slot/${slot}/${pack.name}`));
    const own = slopes.splice(0, members.length).map((slope, i) => {
      if (!slope) throw new Error(`trainStep: the loss does not depend on "${pack.members[i].name}"`);
      return slope;
    });
    graph.scoped('optimizer', () => {
      const slots: Record<string, Value> = {};
      for (const slot of optimizer.slots) slots[slot] = graph.input(`slot/${slot}/${pack.name}`, 'float32', pack.shape);
      const next = isLarge(pack)
        ? updateInBlocks(optimizer, {
            parameter: input,
            slots,
            gradient: own[0],
            scalars: after(scalars, readersOf(members[0], backward)),
          })
        : optimizer.update(input, packValues(pack, own), slots, scalars);
      carry(input.name, next.parameter);
      for (const slot of optimizer.slots) carry(slots[slot].name, next.state[slot]);
    });
  }
  for (const [name, value] of forward.nextBuffers) carry(`buffers/${name}`, value);
  graph.output('loss', loss);
  return { graph, state, inPlace, masks: forward.masks };
}

/** What nodes of the backward pass compute from a parameter. */
function readersOf(parameter: Value, backward: readonly Node[]): Value[] {
  return backward.filter(({ inputs }) => inputs.includes(parameter)).map(({ outputs }) => outputs[0]);
}

/** The same numbers, known only once `others` are: what depends on them may then overwrite what `others` were computed from. */
function after(scalars: Readonly<Record<string, Value>>, others: readonly Value[]): Record<string, Value> {
  const wait = (scalar: Value, other: Value) => {
    const { graph } = scalar;
    const first = gather(reshape(other, [-1]), graph.scalar(0, 'int64'));
    return min(scalar, max(first, graph.scalar(Number.POSITIVE_INFINITY)));
  };
  return Object.fromEntries(Object.entries(scalars).map(([name, scalar]) => [name, others.reduce(wait, scalar)]));
}
