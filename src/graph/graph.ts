// The graph that everything is emitted into: values with type and shape, nodes in topological order.
import { type DType, int64, type Tensor, tensor } from '../core/tensor.ts';
import { type Attributes, attributeFloat, attributeInt, attributeInts, attributeString } from './attributes.ts';

/** A dimension: a known size, or one that is known only when the graph runs: a name such as the batch `N`, or a product such as `64*N`. */
export type Dim = number | string;
export type Shape = readonly Dim[];

/** Element type and shape of a value. */
export interface ValueType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** What the graph knows of an op: how to infer its outputs and, for differentiable ops, how to run it backwards. */
export interface OpDefinition {
  /** ONNX operator name. */
  readonly type: string;
  /** Types of the outputs. @throws Error when the inputs do not fit the op. */
  infer(node: Node): ValueType[];
  /**
   * Emits the gradients of the inputs, given those of the outputs (undefined where nothing flows back).
   * `needs[i]` says whether input i is wanted; other entries may be left undefined.
   */
  gradient?(node: Node, dy: readonly (Value | undefined)[], needs: readonly boolean[]): (Value | undefined)[];
}

/** A tensor-valued edge of the graph: a graph input, a constant (initializer) or a node's output. */
export class Value implements ValueType {
  readonly graph: Graph;
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
  /** The node this is an output of; undefined for inputs and constants. */
  readonly producer: Node | undefined;
  /** The content, for constants. */
  readonly constant: Tensor | undefined;

  constructor(graph: Graph, name: string, type: ValueType, origin: { producer?: Node; constant?: Tensor } = {}) {
    this.graph = graph;
    this.name = name;
    this.dtype = type.dtype;
    this.shape = type.shape;
    this.producer = origin.producer;
    this.constant = origin.constant;
  }

  get rank(): number {
    return this.shape.length;
  }
}

/** An op applied to values. */
export class Node {
  readonly graph: Graph;
  readonly definition: OpDefinition;
  readonly name: string;
  readonly domain: string;
  readonly inputs: readonly (Value | undefined)[];
  readonly attributes: Attributes;
  outputs: Value[] = [];

  constructor(
    graph: Graph,
    definition: OpDefinition,
    name: string,
    inputs: readonly (Value | undefined)[],
    attributes: Attributes,
    domain: string,
  ) {
    this.graph = graph;
    this.definition = definition;
    this.name = name;
    this.inputs = inputs;
    this.attributes = attributes;
    this.domain = domain;
  }

  get op(): string {
    return this.definition.type;
  }

  /** Input i. @throws Error when it is absent. */
  input(i: number): Value {
    const value = this.inputs[i];
    if (!value) throw new Error(`${this.op} "${this.name}": input ${i} is missing`);
    return value;
  }

  /** Whole numbers in constant input i (axes, sizes, pads); undefined when the input is absent. @throws Error when it is not constant. */
  constantInts(i: number): number[] | undefined {
    const value = this.inputs[i];
    if (!value) return undefined;
    if (!value.constant) throw new Error(`${this.op} "${this.name}": input ${i} ("${value.name}") must be a constant`);
    return Array.from(value.constant.data as ArrayLike<number | bigint>, Number);
  }

  int(name: string, fallback: number): number {
    return attributeInt(this.attributes, name) ?? fallback;
  }
  ints(name: string): readonly number[] | undefined {
    return attributeInts(this.attributes, name);
  }
  float(name: string, fallback: number): number {
    return attributeFloat(this.attributes, name) ?? fallback;
  }
  string(name: string, fallback: string): string {
    return attributeString(this.attributes, name) ?? fallback;
  }
}

export interface NodeOptions {
  readonly name?: string;
  readonly domain?: string;
  readonly outputNames?: readonly string[];
}

/** A mutable ONNX graph under construction. Nodes are kept in the order they were added, which is topological. */
export class Graph {
  readonly name: string;
  readonly nodes: Node[] = [];
  readonly inputs: Value[] = [];
  readonly constants: Value[] = [];
  readonly outputs = new Map<string, Value>();
  /** Values of the surrounding graph that a body uses, by their stand-ins here. */
  readonly captured = new Map<Value, Value>();
  readonly #names = new Set<string>();
  /** The last number that was put behind a wish. */
  readonly #taken = new Map<string, number>();
  readonly #sharedConstants = new Map<string, Value>();
  #scope = '';

  constructor(name = 'graph') {
    this.name = name;
  }

  /** Runs `build` with `scope/` in front of the names of all nodes and constants it adds. */
  scoped<T>(scope: string, build: () => T): T {
    const outer = this.#scope;
    this.#scope = `${outer}${scope}/`;
    try {
      return build();
    } finally {
      this.#scope = outer;
    }
  }

  /** A name that is not taken yet, made from `wish`. */
  uniqueName(wish: string): string {
    let name = wish;
    if (this.#names.has(wish)) {
      // Names are never given back: the search goes on where it ended, as deep networks wish for the same name thousands of times.
      let number = (this.#taken.get(wish) ?? 0) + 1;
      while (this.#names.has(`${wish}_${number}`)) number++;
      this.#taken.set(wish, number);
      name = `${wish}_${number}`;
    }
    this.#names.add(name);
    return name;
  }

  /** A dimension that is known only when the graph runs and equals no other. */
  freshDim(): string {
    return this.uniqueName('dim');
  }

  /** A graph input, fed at every run. @throws Error when the name is taken. */
  input(name: string, dtype: DType, shape: Shape): Value {
    if (this.#names.has(name)) throw new Error(`graph input "${name}": the name is taken`);
    this.#names.add(name);
    const value = new Value(this, name, { dtype, shape });
    this.inputs.push(value);
    return value;
  }

  /** For the body of a Scan: a value of the graph around it, to be used in this one. */
  capture(outer: Value): Value {
    for (const [inner, known] of this.captured) if (known === outer) return inner;
    const inner = new Value(this, outer.name, outer);
    this.captured.set(inner, outer);
    return inner;
  }

  /** A constant (ONNX initializer). Small unnamed constants of equal content are shared. */
  constant(content: Tensor, name?: string): Value {
    const key = name === undefined && content.data.length <= 256 ? constantKey(content) : undefined;
    const known = key && this.#sharedConstants.get(key);
    if (known) return known;
    const unique = this.uniqueName(name ?? `${this.#scope}const`);
    const value = new Value(this, unique, content, { constant: content });
    this.constants.push(value);
    if (key) this.#sharedConstants.set(key, value);
    return value;
  }

  /** A float32 scalar constant (shape []), or another dtype's. */
  scalar(value: number, dtype: 'float32' | 'float64' | 'int64' | 'bool' = 'float32'): Value {
    if (dtype === 'int64') return this.constant(tensor('int64', [], BigInt64Array.of(BigInt(value))));
    if (dtype === 'float64') return this.constant(tensor('float64', [], Float64Array.of(value)));
    if (dtype === 'bool') return this.constant(tensor('bool', [], Uint8Array.of(value ? 1 : 0)));
    return this.constant(tensor('float32', [], Float32Array.of(value)));
  }

  /** An int64 vector constant. */
  vector(values: readonly number[]): Value {
    return this.constant(int64([values.length], values));
  }

  /** Adds a node and returns its outputs with inferred types. @throws Error naming the op when its inputs do not fit. */
  add(
    definition: OpDefinition,
    inputs: readonly (Value | undefined)[],
    attributes: Attributes = {},
    options: NodeOptions = {},
  ): Value[] {
    for (const value of inputs) {
      if (value && value.graph !== this)
        throw new Error(`${definition.type}: value "${value.name}" belongs to another graph`);
    }
    const name = this.uniqueName(options.name ?? `${this.#scope}${definition.type}`);
    const node = new Node(this, definition, name, inputs, attributes, options.domain ?? '');
    let types: ValueType[];
    try {
      types = definition.infer(node);
    } catch (error) {
      throw new Error(`${definition.type} "${name}": ${error instanceof Error ? error.message : error}`, {
        cause: error,
      });
    }
    node.outputs = types.map((type, i) => {
      const wish = options.outputNames?.[i] ?? (i === 0 ? `${name}:out` : `${name}:out${i}`);
      return new Value(this, this.uniqueName(wish), type, { producer: node });
    });
    this.nodes.push(node);
    return node.outputs;
  }

  /** Declares a graph output. @throws Error when an output of that name exists. */
  output(name: string, value: Value): void {
    if (this.outputs.has(name)) throw new Error(`graph output "${name}": declared twice`);
    if (value.graph !== this) throw new Error(`graph output "${name}": the value belongs to another graph`);
    this.outputs.set(name, value);
  }
}

/** In units of two bytes where elements have as many: half as many characters. */
function constantKey({ dtype, shape, data }: Tensor): string {
  const { buffer, byteOffset, byteLength } = data;
  const units = data.BYTES_PER_ELEMENT > 1 ? new Uint16Array(buffer, byteOffset, byteLength / 2) : data;
  // The types know arrays of numbers alone, the function takes whatever can be indexed.
  return `${dtype}[${shape}]${String.fromCharCode.apply(null, units as unknown as number[])}`;
}
