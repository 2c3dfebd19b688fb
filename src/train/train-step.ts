// One training step as one graph: preprocessing, forward, loss, backward, optimiser; state in, state out.
import { gradients } from '../graph/autodiff.ts';
import { Graph, type Value } from '../graph/graph.ts';
import { crossEntropy } from '../graph/ops/cross-entropy.ts';
import { type DropoutMask, emitForward, type Network } from './network.ts';
import type { Optimizer } from './optimizers.ts';
import { packValues } from './packing.ts';

export interface TrainStep {
  readonly graph: Graph;
  /** Names that are both graph inputs and outputs (`next/<name>`): parameters, optimiser slots, running statistics. */
  readonly state: readonly string[];
  readonly masks: readonly DropoutMask[];
}

/**
 * The step graph. Inputs besides `emitForward`'s: `labels` (int64 [N]), `slot/<slot>/<pack>`, `scalar/<name>`.
 * Outputs: `loss` (mean over the batch) and `next/<input>` for every state tensor.
 */
export function trainStep(network: Network, optimizer: Optimizer): TrainStep {
  const graph = new Graph(`train ${network.model.name}`);
  const forward = emitForward(graph, network, 'train');
  const labels = graph.input('labels', 'int64', ['N']);
  const loss = graph.scoped('loss', () => crossEntropy(forward.logits, labels));
  const scalars: Record<string, Value> = {};
  for (const name of optimizer.scalars) scalars[name] = graph.input(`scalar/${name}`, 'float32', []);
  const state: string[] = [];
  const carry = (name: string, next: Value) => {
    graph.output(`next/${name}`, next);
    state.push(name);
  };
  const slopes = gradients(
    loss,
    forward.packs.flatMap(({ members }) => members),
  );
  for (const { pack, input, members } of forward.packs) {
    const own = slopes.splice(0, members.length).map((slope, i) => {
      if (!slope) throw new Error(`trainStep: the loss does not depend on "${pack.members[i].name}"`);
      return slope;
    });
    graph.scoped('optimizer', () => {
      const slots: Record<string, Value> = {};
      for (const slot of optimizer.slots) slots[slot] = graph.input(`slot/${slot}/${pack.name}`, 'float32', pack.shape);
      const next = optimizer.update(input, packValues(pack, own), slots, scalars);
      carry(input.name, next.parameter);
      for (const slot of optimizer.slots) carry(slots[slot].name, next.state[slot]);
    });
  }
  for (const [name, value] of forward.nextBuffers) carry(`buffers/${name}`, value);
  graph.output('loss', loss);
  return { graph, state, masks: forward.masks };
}
