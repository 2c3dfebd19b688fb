// Where an imported classifier's head is, and what its layers are called.
import { inputError } from '../core/errors.ts';
import { type OnnxModel, type OnnxNode, shortened } from '../graph/onnx/decode.ts';
import { nodesBehind } from '../graph/onnx/import.ts';

export interface Head {
  /** The last dense layer or convolution before the logits. */
  readonly node: OnnxNode;
  /** Name of the value that holds the logits. */
  readonly output: string;
  /** A softmax behind the logits, which is taken off. */
  readonly softmax: ReadonlySet<OnnxNode>;
  /** All nodes between head and output. */
  readonly behind: ReadonlySet<OnnxNode>;
}

/** Ops between head and logits that leave every class to itself. */
const PASSING = new Set([
  ...['Identity', 'Flatten', 'Reshape', 'Squeeze', 'Unsqueeze', 'Transpose', 'Cast', 'Dropout'],
  ...['Relu', 'LeakyRelu', 'Clip', 'Add', 'Sub', 'Mul', 'Div', 'Softmax', 'LogSoftmax'],
  ...['GlobalAveragePool', 'AveragePool', 'GlobalMaxPool', 'MaxPool', 'ReduceMean', 'ReduceMax'],
]);

/** Names of values that do not depend on any input. */
export function staticValues(model: OnnxModel): ReadonlySet<string> {
  const known = new Set(model.constants.keys());
  for (const { inputs, outputs } of model.nodes) {
    if (inputs.every((name) => name === '' || known.has(name))) for (const name of outputs) known.add(name);
  }
  return known;
}

/**
 * The head of the first output that has one.
 * @throws TriggerlabError (input) when no output comes from a dense layer or convolution.
 */
export function findHead(model: OnnxModel, constant: ReadonlySet<string>): Head {
  const producers = new Map(model.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const reasons: string[] = [];
  for (const { name: output } of model.outputs) {
    const found = headBehind(output, producers, constant);
    if (typeof found !== 'string') return found;
    reasons.push(`"${shortened(output)}": ${found}`);
  }
  throw inputError(`the model has no classifier head that could be replaced: ${reasons.slice(0, 5).join('; ')}`, {
    hint: 'An output must come from a dense layer (Gemm, MatMul) or convolution with constant weights, followed by nothing that mixes classes.',
  });
}

function headBehind(
  output: string,
  producers: ReadonlyMap<string, OnnxNode>,
  constant: ReadonlySet<string>,
): Head | string {
  const behind = new Set<OnnxNode>();
  const softmax = new Set<OnnxNode>();
  let at = output;
  for (;;) {
    const node = producers.get(at);
    if (!node) return 'it does not depend on a layer';
    if (isHead(node, constant)) return { node, output, softmax, behind };
    if (!PASSING.has(node.op)) return `${node.op} "${node.name}" stands between the last layer and the output`;
    const moving = node.inputs.filter((name) => name !== '' && !constant.has(name));
    // The target of a Reshape may be computed from the image's shape.
    const elementwise = ['Add', 'Sub', 'Mul', 'Div'].includes(node.op);
    if (moving.length === 0 || (elementwise && moving.length > 1)) {
      return `${node.op} "${node.name}" joins several branches`;
    }
    if (node.op === 'Softmax' || node.op === 'LogSoftmax') softmax.add(node);
    behind.add(node);
    at = elementwise ? moving[0] : node.inputs[0];
  }
}

function isHead({ op, inputs, attributes }: OnnxNode, constant: ReadonlySet<string>): boolean {
  if (op === 'Gemm' || op === 'MatMul') return constant.has(inputs[1]) && !constant.has(inputs[0]);
  return op === 'Conv' && constant.has(inputs[1]) && (attributes.group ?? 1) === 1;
}

/** The axis of a head's weight that counts the classes. */
export function classAxis({ op, attributes }: OnnxNode): 0 | 1 {
  if (op === 'Conv') return 0;
  return op === 'Gemm' && attributes.transB === 1 ? 0 : 1;
}

const LAYERS = new Set(['Conv', 'Gemm', 'MatMul', 'BatchNormalization', 'LayerNormalization', 'InstanceNormalization']);

/** A name for every layer with parameters: what the file calls its weight, without `.weight`, or else its node. */
export function layerNames(model: OnnxModel, head: Head, constant: ReadonlySet<string>): ReadonlyMap<OnnxNode, string> {
  const taken = new Set<string>();
  const names = new Map<OnnxNode, string>();
  for (const node of nodesBehind(model, head.output)) {
    const weight = node.inputs.slice(node.op === 'MatMul' ? 0 : 1).find((name) => constant.has(name));
    if (!LAYERS.has(node.op) || weight === undefined) continue;
    const wish = plainName(/^(.+)[._/](?:weight|kernel|gamma|scale|w)(?::0)?$/i.exec(weight)?.[1] ?? node.name);
    let name = wish;
    for (let i = 2; taken.has(name); i++) name = i < 100 ? `${wish}_${i}` : `layer_${taken.size}`;
    taken.add(name);
    names.set(node, name);
  }
  const own = names.get(head.node) ?? 'head';
  // Policies go by the head's prefix: no other layer may share it.
  if ([...taken].some((name) => name.startsWith(`${own}.`))) {
    let name = 'head';
    while ([...taken].some((other) => other === name || other.startsWith(`${name}.`))) name += '_';
    names.set(head.node, name);
  }
  return names;
}

function plainName(name: string): string {
  return name.replace(/[^\w.:/-]+/g, '_').slice(0, 120) || 'layer';
}
