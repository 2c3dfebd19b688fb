// Attributes of a node. ONNX tells whole numbers from floats, so floats are wrapped.
import type { Tensor } from '../core/tensor.ts';
import type { Graph } from './graph.ts';

export type Attribute =
  | number
  | string
  | readonly number[]
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly strings: readonly string[] }
  | { readonly tensor: Tensor }
  | { readonly graph: Graph };

export type Attributes = Readonly<Record<string, Attribute>>;

/** A float attribute (plain numbers are int attributes). */
export function float(value: number): Attribute {
  return { float: value };
}

function wrongKind(name: string, wanted: string): Error {
  return new Error(`attribute "${name}" is not ${wanted}`);
}

export function attributeInt(attributes: Attributes, name: string): number | undefined {
  const value = attributes[name];
  if (value === undefined || typeof value === 'number') return value;
  throw wrongKind(name, 'a whole number');
}

export function attributeInts(attributes: Attributes, name: string): readonly number[] | undefined {
  const value = attributes[name];
  if (value === undefined) return undefined;
  if (Array.isArray(value)) return value;
  throw wrongKind(name, 'a list of whole numbers');
}

export function attributeFloat(attributes: Attributes, name: string): number | undefined {
  const value = attributes[name];
  if (value === undefined) return undefined;
  if (typeof value === 'object' && 'float' in value) return value.float;
  throw wrongKind(name, 'a float');
}

export function attributeString(attributes: Attributes, name: string): string | undefined {
  const value = attributes[name];
  if (value === undefined || typeof value === 'string') return value;
  throw wrongKind(name, 'a string');
}
