// The layers of a network, read from the graph that it emits: works for any architecture, imported ones too.
import { sizeOf } from '../core/tensor.ts';
import { type Dim, Graph, type Node, type Value } from '../graph/graph.ts';
import type { Architecture, Origin } from '../models/architecture.ts';
import { type LayerContext, Layers } from '../models/layers.ts';
import { nodeMultiplyAdds } from './multiply-adds.ts';

export interface LayerRow {
  /** What its parameters' names begin with: `layer1.0.conv1`. */
  readonly name: string;
  /** Such as `conv 7×7 /2`, `batch norm`, `linear`. */
  readonly kind: string;
  /** Output for one image, without the batch dimension. */
  readonly output: readonly Dim[];
  /** Names of its parameters; a parameter that several layers share belongs to the first. */
  readonly parameters: readonly string[];
  /** Numbers in its parameters. */
  readonly size: number;
  /** Multiply-adds for one image. */
  readonly multiplyAdds: number;
}

export interface EmittedNetwork {
  readonly graph: Graph;
  readonly parameters: readonly Value[];
}

/** The forward pass in evaluation mode on normalised images; graph inputs: `image`, parameters and running statistics. */
export function emitEvaluation(
  architecture: Architecture,
  options: { inputSize: number; classes: number; origin: Origin },
): EmittedNetwork {
  const graph = new Graph();
  const parameters: Value[] = [];
  const context: LayerContext = {
    graph,
    batchNormMode: 'running',
    parameter(name, shape) {
      const value = graph.input(name, 'float32', shape);
      parameters.push(value);
      return value;
    },
    buffer: (name, shape) => graph.input(name, 'float32', shape),
    updateBuffer() {},
    dropoutMask: () => undefined,
  };
  const { inputSize } = options;
  const image = graph.input('image', 'float32', ['N', 3, inputSize, inputSize]);
  const { logits } = architecture.forward(new Layers(context, architecture.convInitializer), image, options);
  graph.output('logits', logits);
  return { graph, parameters };
}

/** Every node that joins parameters with data, in order. */
export function layerTable({ graph, parameters }: EmittedNetwork): LayerRow[] {
  // Values that are computed from parameters and constants alone, with the parameters that they come from.
  const origins = new Map<Value, readonly Value[]>(parameters.map((value) => [value, [value]]));
  const image = graph.inputs.find(({ name }) => name === 'image');
  const data = new Set<Value>(image ? [image] : []);
  const listed = new Set<Value>();
  const rows: LayerRow[] = [];
  for (const node of graph.nodes) {
    const inputs = node.inputs.filter((input) => input !== undefined);
    const from = [...new Set(inputs.flatMap((input) => origins.get(input) ?? []))];
    if (!inputs.some((input) => data.has(input))) {
      for (const output of node.outputs) origins.set(output, from);
      continue;
    }
    for (const output of node.outputs) data.add(output);
    if (from.length === 0) continue;
    const own = from.filter((value) => !listed.has(value));
    for (const value of own) listed.add(value);
    rows.push({
      name: layerName(from),
      kind: kindOf(node),
      output: node.outputs[0].shape.slice(1),
      parameters: own.map(({ name }) => name),
      size: own.reduce((sum, { shape }) => sum + sizeOf(shape.map(Number)), 0),
      multiplyAdds: nodeMultiplyAdds(node, 1),
    });
  }
  return rows;
}

/** `layer1.0.conv1` of `layer1.0.conv1.weight`; names without a dot stay. */
function layerName(parameters: readonly Value[]): string {
  const { name } = parameters[0];
  const dot = name.lastIndexOf('.');
  return dot > 0 ? name.slice(0, dot) : name;
}

const KINDS: Readonly<Record<string, string>> = {
  BatchNormalization: 'batch norm',
  Gemm: 'linear',
  MatMul: 'linear',
  Add: 'bias',
};

function kindOf(node: Node): string {
  if (node.op !== 'Conv') return KINDS[node.op] ?? node.op;
  const kernel = node.input(1).shape.slice(2).join('×');
  const [stride = 1] = node.ints('strides') ?? [];
  const group = node.int('group', 1);
  return `conv ${kernel}${stride === 1 ? '' : ` /${stride}`}${group === 1 ? '' : `, ${group} groups`}`;
}
