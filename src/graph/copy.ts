// Part of a graph copied into another, from chosen values on.
import type { Graph, Value } from './graph.ts';

/**
 * Copies into `target` what `wanted` depends on, and answers their counterparts. `known` maps values of the source to values of
 * the target that take their place: nothing behind those is copied. It is added to as the copy goes on.
 */
export function copyInto(target: Graph, wanted: readonly Value[], known: Map<Value, Value>): Value[] {
  const needed = new Set<Value>();
  const note = (value: Value) => {
    if (!known.has(value)) needed.add(value);
  };
  wanted.forEach(note);
  const source = wanted[0]?.graph;
  const nodes = [...(source?.nodes ?? [])].reverse().filter((node) => {
    if (!node.outputs.some((output) => needed.has(output))) return false;
    for (const input of node.inputs) if (input) note(input);
    return true;
  });
  // In the order of the source, so that feeds and constants keep theirs.
  for (const value of [...(source?.inputs ?? []), ...(source?.constants ?? [])]) {
    if (!needed.has(value)) continue;
    const { name, dtype, shape, constant } = value;
    known.set(value, constant ? target.constant(constant, name) : target.input(name, dtype, shape));
  }
  const counterpart = (value: Value) => known.get(value) as Value;
  for (const { definition, inputs, attributes, domain, name, outputs } of nodes.reverse()) {
    const copies = target.add(
      definition,
      inputs.map((input) => input && counterpart(input)),
      attributes,
      { domain, name, outputNames: outputs.map((output) => output.name) },
    );
    outputs.forEach((output, i) => {
      if (!known.has(output)) known.set(output, copies[i]);
    });
  }
  return wanted.map(counterpart);
}
