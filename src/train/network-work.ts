// What a network under a freeze policy asks of a machine for each image, told from its forward pass alone: nothing is run.
import { sizeOf } from '../core/tensor.ts';
import { Graph, type Node, type Value } from '../graph/graph.ts';
import { nodesBehind } from '../graph/live-nodes.ts';
import { productOf } from '../graph/shapes.ts';
import { type EmptyNetworkOptions, emptyNetwork } from './empty-network.ts';
import { frozenPartOf } from './frozen-part.ts';
import { nodeMultiplyAdds } from './multiply-adds.ts';
import { emitForward } from './network.ts';

export interface NetworkWork {
  /** The part whose outputs are kept as features: its multiply-adds, and the numbers kept of each image. Undefined: none. */
  readonly frozen?: { readonly multiplyAdds: number; readonly width: number } | undefined;
  /** Multiply-adds of the rest for one image of a training step, gradients included. */
  readonly step: number;
  /** The same of an evaluation. */
  readonly evaluation: number;
  /** Numbers that training changes: parameters and running statistics. */
  readonly changed: number;
  /** Bytes of everything that the forward pass computes of one image: which of two networks needs more memory. */
  readonly activationBytes: number;
}

/** @throws TriggerlabError (input) when the policy trains nothing. */
export async function networkWork(options: EmptyNetworkOptions): Promise<NetworkWork> {
  const network = await emptyNetwork(options);
  const graph = new Graph('work');
  // A batch norm over the batch is a dozen nodes, most nodes of a deep network. One that is fed its statistics stands for it here.
  const fed = { ...network, trainable: { ...network.trainable, batchNormMode: 'running' as const } };
  const forward = emitForward(graph, fed, 'train');
  const frozen = frozenPartOf(forward, network.model.name);
  const { logits, auxiliary = [] } = forward;
  const trained = new Set<Value>(graph.inputs.filter(({ name }) => name.startsWith('parameters/')));
  let whole = 0;
  let backward = 0;
  let activationBytes = 0;
  for (const node of nodesBehind(graph, [logits, ...auxiliary.map((head) => head.logits)])) {
    const moved = node.inputs.map((input) => input !== undefined && trained.has(input));
    if (moved.includes(true)) for (const output of node.outputs) trained.add(output);
    const own = nodeMultiplyAdds(node, 1);
    whole += own;
    // The gradient to each of the two factors is a product of the same size.
    backward += own * moved.slice(0, 2).filter(Boolean).length;
    for (const { shape } of node.outputs) {
      const { size, names } = productOf(shape);
      if (names.includes('N')) activationBytes += 4 * size;
    }
    if (isOverBatch(node)) activationBytes += 4 * numbersBeside(node);
  }
  const rest = whole - (frozen?.multiplyAdds ?? 0);
  const buffers = new Set(network.buffers);
  const changed = [...network.packs, ...network.info.buffers.filter(({ name }) => buffers.has(name))];
  return {
    frozen: frozen && { multiplyAdds: frozen.multiplyAdds, width: frozen.width },
    step: rest + backward,
    evaluation: rest,
    changed: changed.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    activationBytes,
  };
}

/** Whether a batch norm works with statistics that are graph inputs, as those are that training changes. */
function isOverBatch({ op, inputs }: Node): boolean {
  return op === 'BatchNormalization' && inputs[3] !== undefined && !inputs[3].producer && !inputs[3].constant;
}

/** Numbers that `batchNormTraining` makes of each image on its way: centred and squared ones and, where there are pixels, two sums over them for each channel. */
function numbersBeside(node: Node): number {
  const [, channels, ...pixels] = node.outputs[0].shape.map(Number);
  return 2 * channels * sizeOf(pixels) + (pixels.length > 0 ? 2 * channels : 0);
}
