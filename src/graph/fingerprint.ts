// A name for what a graph computes: the same for the same ops on the same constants, whatever its values are called.
import { createHash } from 'node:crypto';
import type { Tensor } from '../core/tensor.ts';
import type { Attribute } from './attributes.ts';
import type { Graph, Value } from './graph.ts';
import { liveNodes } from './live-nodes.ts';

const known = new WeakMap<object, string>();

/** SHA-256 (hexadecimal) over the nodes that the outputs depend on, their attributes, the graph inputs by name and all constants. */
export function graphFingerprint(graph: Graph): string {
  const hash = createHash('sha256');
  const places = new Map<Value, string>();
  const place = (value: Value | undefined): string => {
    if (!value) return '-';
    const produced = places.get(value);
    if (produced) return produced;
    if (value.constant) return tensorHash(value.constant);
    return `${value.name}:${value.dtype}[${value.shape}]`;
  };
  liveNodes(graph).forEach((node, at) => {
    const attributes = Object.entries(node.attributes).map(([name, value]) => `${name}=${attributeText(value)}`);
    hash.update(`${node.domain}.${node.op}(${node.inputs.map(place)}){${attributes.sort()}};`);
    node.outputs.forEach((output, i) => {
      places.set(output, `${at}.${i}`);
    });
  });
  for (const [name, value] of graph.outputs) hash.update(`${name}=${place(value)};`);
  return hash.digest('hex');
}

/** Large tensors are weights, which many graphs of a process share: each is hashed once. */
function tensorHash({ dtype, shape, data }: Tensor): string {
  const before = known.get(data);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const content = before ?? createHash('sha256').update(bytes).digest('hex');
  known.set(data, content);
  return `${dtype}[${shape}]${content}`;
}

function attributeText(value: Attribute): string {
  if (typeof value === 'object' && 'tensor' in value) return tensorHash(value.tensor);
  if (typeof value === 'object' && 'graph' in value) return graphFingerprint(value.graph);
  return JSON.stringify(value);
}
