// What a graph keeps in memory per image: values that wait for the backward pass, and the most that is alive at once.
import type { DType } from '../core/tensor.ts';
import type { Graph, Node, Value } from '../graph/graph.ts';
import { capturedBy, liveNodes } from '../graph/live-nodes.ts';
import { productOf } from '../graph/shapes.ts';
import { elements } from './multiply-adds.ts';

const BYTES: Readonly<Record<DType, number>> = { float32: 4, float64: 8, int64: 8, int32: 4, uint8: 1, bool: 1 };

/** Ops whose output is their input under another shape, in the same memory. */
const VIEWS: ReadonlySet<string> = new Set(['Reshape', 'Flatten', 'Identity', 'Squeeze', 'Unsqueeze']);

/** The value whose memory `value` lies in. */
function memoryOf(value: Value): Value {
  const { producer } = value;
  return producer && VIEWS.has(producer.op) ? memoryOf(producer.input(0)) : value;
}

/** All values that a node reads, those that a body inside it captures included. */
function readBy(node: Node): Value[] {
  return [...node.inputs.filter((input) => input !== undefined), ...capturedBy(node)];
}

/** Bytes of a value for one image; 0 for what does not grow with the batch. */
function bytesPerImage(value: Value): number {
  return productOf(value.shape).names.includes('N') ? elements(value, 1) * BYTES[value.dtype] : 0;
}

/**
 * Bytes per image of the values that `forward` nodes compute or that are fed (images, dropout masks), and that a later node of
 * the graph reads: what a training step keeps between its forward and its backward pass. Each counts once.
 */
export function keptForBackward(graph: Graph, forward: ReadonlySet<Node>): number {
  const live = liveNodes(graph);
  const made = new Set<Value>(graph.inputs);
  for (const node of live) if (forward.has(node)) for (const output of node.outputs) made.add(output);
  const kept = new Set<Value>();
  for (const node of live) {
    if (forward.has(node)) continue;
    for (const input of readBy(node)) if (made.has(input)) kept.add(memoryOf(input));
  }
  return [...kept].reduce((sum, value) => sum + bytesPerImage(value), 0);
}

/**
 * Most bytes per image that are alive at once when the nodes run in their order and a value's memory is free again after its
 * last reader. What an engine saves by working in place, or needs for packing and padding, is not in it.
 */
export function peakPerImage(graph: Graph): number {
  const live = liveNodes(graph);
  const lastUse = new Map<Value, number>();
  const outputs = new Set([...graph.outputs.values()].map(memoryOf));
  live.forEach((node, at) => {
    for (const value of [...readBy(node), ...node.outputs]) lastUse.set(memoryOf(value), at);
  });
  const ending = new Map<number, Value[]>();
  for (const [value, at] of lastUse) if (!outputs.has(value)) ending.set(at, [...(ending.get(at) ?? []), value]);
  let alive = graph.inputs.reduce((sum, value) => sum + bytesPerImage(value), 0);
  let peak = alive;
  live.forEach((node, at) => {
    for (const output of node.outputs) if (memoryOf(output) === output) alive += bytesPerImage(output);
    peak = Math.max(peak, alive);
    for (const value of ending.get(at) ?? []) alive -= bytesPerImage(value);
  });
  return peak;
}
