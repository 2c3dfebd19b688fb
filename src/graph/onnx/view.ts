// How an importing function sees the node it is to emit: values, constants and known shapes of its inputs, attributes.
import { type DType, int64, type Tensor, tensor } from '../../core/tensor.ts';
import { attributeFloat, attributeInt, attributeInts, attributeString } from '../attributes.ts';
import type { Dim, Graph, Value } from '../graph.ts';
import { concat } from '../ops/concat.ts';
import { gather } from '../ops/gather.ts';
import { shapeOf } from '../ops/shape.ts';
import type { OnnxNode } from './decode.ts';
import { type Known, knownOf, numbersOf } from './known.ts';

/** What stands for a value of the file while the graph is built: a value of ours, a constant, or a known shape. */
export interface Entry {
  readonly value?: Value;
  readonly tensor?: Tensor;
  readonly known?: Known;
  /** The node of the file that it comes from. */
  readonly node?: OnnxNode;
}

/** What a parameter is to its layer. */
export type Role = 'weight' | 'bias';

/** What the surroundings decide: where parameters come from, how batch norm and dropout are emitted. */
export interface ReplayHooks {
  /** A constant of the file that training may change, by the node whose weight or bias it is. Undefined: it stays a constant. */
  parameter?(node: OnnxNode, role: Role, content: Tensor): Value | undefined;
  /** The target of a Reshape or Expand. Default: as it is. */
  target?(node: OnnxNode, dims: readonly Dim[]): readonly Dim[];
  /** Batch norm with constant scale, bias and statistics. Default: ONNX's op with these. */
  batchNorm?(node: OnnxNode, x: Value, layer: BatchNormLayer): Value;
  /** Default: left out. */
  dropout?(node: OnnxNode, x: Value, rate: number): Value;
  /** Nodes that pass their input through unchanged (the softmax behind the logits). */
  skip?(node: OnnxNode): boolean;
}

export interface BatchNormLayer {
  readonly scale: Tensor;
  readonly bias: Tensor;
  readonly mean: Tensor;
  readonly variance: Tensor;
  readonly epsilon: number;
  /** PyTorch's: the weight of the new batch. */
  readonly momentum: number;
}

export interface Surroundings {
  readonly graph: Graph;
  readonly opset: number;
  readonly hooks: ReplayHooks;
  /** The network's input, whose first dimension is the batch. */
  readonly image: Value;
  /** The batch that the file was made for, when it is fixed. */
  readonly fixedBatch: number | undefined;
  /** Constants emitted so far. */
  readonly constants: Map<Tensor, Value>;
}

/** Emits a node: gives its outputs as values, or what is known of them. */
export type Emit = (node: NodeView) => readonly (Value | Entry)[];

export class NodeView {
  readonly node: OnnxNode;
  readonly around: Surroundings;
  readonly entries: readonly (Entry | undefined)[];

  constructor(node: OnnxNode, around: Surroundings, entries: readonly (Entry | undefined)[]) {
    this.node = node;
    this.around = around;
    this.entries = entries;
  }

  get graph(): Graph {
    return this.around.graph;
  }
  get opset(): number {
    return this.around.opset;
  }

  has(i: number): boolean {
    return this.entries[i] !== undefined;
  }

  /** Input i as a value. @throws Error when it is absent. */
  input(i: number): Value {
    return this.valueOf(this.#entry(i));
  }

  optional(i: number): Value | undefined {
    const entry = this.entries[i];
    return entry && this.valueOf(entry);
  }

  /** Input i as a constant; undefined when it is absent or not constant. */
  tensor(i: number): Tensor | undefined {
    return this.entries[i]?.tensor;
  }

  /** Input i as a parameter of `owner` (default: this node) if it is constant, else as a value. */
  parameter(i: number, role: Role, owner: OnnxNode = this.node): Value {
    const { tensor } = this.#entry(i);
    return (tensor?.dtype === 'float32' && this.around.hooks.parameter?.(owner, role, tensor)) || this.input(i);
  }

  /** What is known of input i. */
  known(i: number): Known | undefined {
    const entry = this.entries[i];
    return entry && (entry.known ?? knownOf(entry.tensor));
  }

  /** Whole numbers in input i, or in an attribute of older operator sets. @throws Error when they are not known. */
  numbers(i: number, attribute?: string): number[] | undefined {
    const older = attribute === undefined ? undefined : this.ints(attribute);
    if (!this.has(i)) return older && [...older];
    const known = this.known(i);
    const numbers = known && numbersOf(known);
    if (!numbers) throw new Error(`input ${i} ("${this.node.inputs[i]}") must be constant whole numbers`);
    return numbers;
  }

  /** The number in constant input i; undefined when it is absent. */
  scalar(i: number): number | undefined {
    if (!this.has(i)) return undefined;
    const content = this.tensor(i);
    if (!content) throw new Error(`input ${i} ("${this.node.inputs[i]}") must be a constant`);
    return content.data.length === 0 ? undefined : Number(content.data[0]);
  }

  int(name: string, fallback: number): number {
    return attributeInt(this.node.attributes, name) ?? fallback;
  }
  float(name: string, fallback: number): number {
    return attributeFloat(this.node.attributes, name) ?? fallback;
  }
  string(name: string, fallback: string): string {
    return attributeString(this.node.attributes, name) ?? fallback;
  }
  ints(name: string): readonly number[] | undefined {
    return attributeInts(this.node.attributes, name);
  }

  /** An entry as a value of the graph. */
  valueOf(entry: Entry): Value {
    if (entry.value) return entry.value;
    if (entry.tensor) {
      const value = this.around.constants.get(entry.tensor) ?? this.graph.constant(entry.tensor);
      this.around.constants.set(entry.tensor, value);
      return value;
    }
    if (!entry.known) throw new Error('an input has no value');
    return shapeValue(entry.known, this.around.image);
  }

  #entry(i: number): Entry {
    const entry = this.entries[i];
    if (!entry) throw new Error(`input ${i} is missing`);
    return entry;
  }
}

/** Known numbers as an int64 or int32 value; the batch is read from the image when the graph runs. */
function shapeValue(known: Known, image: Value): Value {
  const { graph } = image;
  const numbers = numbersOf(known);
  if (numbers) return graph.constant(wholeTensor(known.dtype, known.shape, numbers));
  const parts = known.dims.map((dim) => {
    if (typeof dim === 'number') return graph.constant(int64([1], [dim]));
    if (dim !== image.shape[0]) throw new Error(`a computation on shapes needs "${dim}", which is not known`);
    return gather(shapeOf(image), graph.constant(int64([1], [0])));
  });
  return parts.length === 1 ? parts[0] : concat(parts, 0);
}

/** A tensor of whole numbers. */
export function wholeTensor(dtype: DType, shape: readonly number[], numbers: readonly number[]): Tensor {
  if (dtype === 'int64') return int64(shape, numbers);
  if (dtype === 'float32') return tensor('float32', shape, Float32Array.from(numbers));
  if (dtype === 'int32') return tensor('int32', shape, Int32Array.from(numbers));
  return tensor(dtype as 'uint8' | 'bool', shape, Uint8Array.from(numbers));
}
