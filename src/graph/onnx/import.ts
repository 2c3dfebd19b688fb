// From the description of an ONNX model into a graph of ours: its nodes replayed onto given inputs, in terms of our ops.
import { inputError, messageOf } from '../../core/errors.ts';
import { Value } from '../graph.ts';
import { asInputError, type OnnxModel, type OnnxNode, shortened } from './decode.ts';
import { elementwiseEmitters } from './emit-elementwise.ts';
import { layerEmitters } from './emit-layers.ts';
import { movingEmitters } from './emit-moving.ts';
import { reducingEmitters } from './emit-reduce.ts';
import { shapeEmitters } from './emit-shapes.ts';
import { type Emit, type Entry, NodeView, type ReplayHooks, type Surroundings } from './view.ts';

export type { BatchNormLayer, ReplayHooks, Role } from './view.ts';

const EMITTERS: ReadonlyMap<string, Emit> = new Map(
  Object.entries({
    ...elementwiseEmitters,
    ...layerEmitters,
    ...shapeEmitters,
    ...movingEmitters,
    ...reducingEmitters,
  }),
);

/** ONNX ops that can be imported, by name. */
export const importedOps: readonly string[] = [...EMITTERS.keys()].sort();

/** Nodes that a value depends on, in the model's order. */
export function nodesBehind(model: OnnxModel, output: string): OnnxNode[] {
  const wanted = new Set([output]);
  const found: OnnxNode[] = [];
  for (let i = model.nodes.length - 1; i >= 0; i--) {
    const node = model.nodes[i];
    if (!node.outputs.some((name) => name !== '' && wanted.has(name))) continue;
    found.push(node);
    for (const input of node.inputs) wanted.add(input);
  }
  return found.reverse();
}

/** Most nodes of one op that a message names. */
const NAMED = 3;

/** @throws TriggerlabError (input) with all ops that cannot be imported, how often and where they occur. */
export function checkOps(nodes: readonly OnnxNode[]): void {
  const unknown = new Map<string, string[]>();
  for (const { op, name } of nodes) {
    if (EMITTERS.has(op)) continue;
    const names = unknown.get(op) ?? [];
    names.push(name);
    unknown.set(op, names);
  }
  if (unknown.size === 0) return;
  const listed = [...unknown].slice(0, 30).map(([op, names]) => {
    const shown = names.slice(0, NAMED).map((name) => `"${name}"`);
    return `${op} × ${names.length} (${shown.join(', ')}${names.length > NAMED ? ', …' : ''})`;
  });
  const more = unknown.size > 30 ? ` and ${unknown.size - 30} more` : '';
  throw inputError(`the model has ops that cannot be imported: ${listed.join('; ')}${more}`, {
    hint: hintFor([...unknown.keys()]),
  });
}

function hintFor(ops: readonly string[]): string {
  if (ops.some((op) => /Quantize|QLinear|Integer/.test(op))) return 'It is quantised: bring the float model.';
  if (ops.some((op) => op.includes('::'))) {
    return 'Ops outside the ONNX standard come from optimised or framework-specific exports: export it with standard ops only.';
  }
  if (ops.some((op) => ['If', 'Loop', 'Scan'].includes(op))) {
    return 'Export it for inference with constant folding, or simplify it, so that control flow goes away.';
  }
  return 'docs/onnx.md lists the ops that can be imported; simplifying or exporting the model anew may avoid these.';
}

export interface ReplayOptions {
  /** Our value for every input of the model that is needed; the first is the image. */
  readonly inputs: ReadonlyMap<string, Value>;
  /** Name of the value that is wanted. */
  readonly output: string;
  /** The batch that the file was made for, when it is fixed: it then stands for any. */
  readonly fixedBatch?: number | undefined;
  readonly hooks?: ReplayHooks;
}

/**
 * Emits the nodes that `output` depends on into the graph of the inputs.
 * @throws TriggerlabError (input) for ops that cannot be imported, and naming the node at which shapes do not fit.
 */
export function replay(model: OnnxModel, { inputs, output, fixedBatch, hooks = {} }: ReplayOptions): Value {
  const image = inputs.values().next().value;
  if (!image) throw new Error('replay: no inputs');
  const nodes = nodesBehind(model, output);
  checkOps(nodes);
  const around: Surroundings = {
    graph: image.graph,
    opset: model.opset,
    hooks,
    image,
    fixedBatch,
    constants: new Map(),
  };
  const entries = new Map<string, Entry>();
  for (const [name, tensor] of model.constants) entries.set(name, { tensor });
  for (const [name, value] of inputs) entries.set(name, { value });
  for (const node of nodes) {
    const given = node.inputs.map((name) => (name === '' ? undefined : entries.get(name)));
    node.inputs.forEach((name, i) => {
      if (name !== '' && !given[i]) {
        throw inputError(`${node.op} "${node.name}" takes "${shortened(name)}", an output that is not supported`);
      }
    });
    let results: readonly (Value | Entry)[];
    try {
      const view = new NodeView(node, around, given);
      results = hooks.skip?.(node) ? [given[0] ?? {}] : image.graph.scoped(node.name, () => emit(view));
      checkSizes(results, around);
    } catch (error) {
      throw asInputError(withoutPrefix(error, node), `${node.op} "${node.name}"`);
    }
    node.outputs.forEach((name, i) => {
      const result = results[i];
      if (name !== '' && result)
        entries.set(name, result instanceof Value ? { value: result, node } : { node, ...result });
    });
  }
  const result = entries.get(output);
  const last = nodes.at(-1);
  if (!result?.value)
    throw inputError(`the output "${shortened(output)}" does not depend on the image`, {
      hint: last && `It comes from ${last.op} "${last.name}".`,
    });
  return result.value;
}

function emit(view: NodeView): readonly (Value | Entry)[] {
  const emitter = EMITTERS.get(view.node.op);
  if (!emitter) throw new Error('cannot be imported');
  return emitter(view);
}

/** The graph names its own node in front of what is wrong; the file's node says enough. */
function withoutPrefix(error: unknown, node: OnnxNode): unknown {
  const text = messageOf(error);
  const inner = /^\w+ "[^"]*": /.exec(text)?.[0];
  return inner?.includes(node.name) ? new Error(text.slice(inner.length), { cause: error }) : error;
}

/** Elements of one value for one image: 2²⁸ float32 are 1 GiB. */
const MAX_ELEMENTS = 2 ** 28;

function checkSizes(results: readonly (Value | Entry)[], { image }: Surroundings): void {
  for (const result of results) {
    if (!(result instanceof Value)) continue;
    const size = result.shape.reduce<number>((product, dim) => product * (typeof dim === 'number' ? dim : 1), 1);
    if (size <= MAX_ELEMENTS) continue;
    throw new Error(
      `its result [${result.shape}] has more than ${MAX_ELEMENTS} numbers for an image of [${image.shape}]`,
    );
  }
}
