// Puts in place of ops what ONNX Runtime computes faster. The graph means the same; its last digits may differ.
import type { Graph, Node, Value } from '../graph.ts';
import { add } from '../ops/add.ts';
import { reshape } from '../ops/reshape.ts';
import { type Windows, windowsOf } from '../ops/windows.ts';
import { winogradConv } from '../ops/winograd.ts';
import { rewritten } from './rewrite.ts';

/** The graph as it is best run. */
export function lowered(graph: Graph): Graph {
  return rewritten(graph, (node, inputs) => LOWERINGS[node.op]?.(node, inputs));
}

const LOWERINGS: Readonly<Record<string, (node: Node, inputs: readonly (Value | undefined)[]) => Value[] | undefined>> =
  {
    Conv(node, [x, w, bias]) {
      if (!x || w?.rank !== 4) return undefined;
      const windows = windowsOf(node, [Number(w.shape[2]), Number(w.shape[3])]);
      if (!winogradPays(x, w, windows, node.int('group', 1))) return undefined;
      const y = winogradConv(x, w, windows.pads);
      return [bias ? add(y, reshape(bias, [1, -1, 1, 1])) : y];
    },
  };

/** Up to here transforms stay in the processor's cache, and fewer channels make up for them. */
const FEW_PIXELS = 256;

/** Whether `winogradConv` computes this convolution, and is measured to be faster than Conv. */
function winogradPays(x: Value, w: Value, windows: Windows, group: number): boolean {
  const { kernel, strides, dilations, pads } = windows;
  const [outputs, inputs] = w.shape.map(Number);
  const sides = [2, 3].map((axis) => x.shape[axis]);
  const pixels = Number(sides[0]) * Number(sides[1]);
  return (
    isFixed(w) &&
    group === 1 &&
    kernel.every((k) => k === 3) &&
    strides.every((s) => s === 1) &&
    dilations.every((d) => d === 1) &&
    pads.every((pad) => pad >= 0) &&
    sides.every((side) => typeof side === 'number' && side > 4) &&
    (inputs * outputs) / (inputs + outputs) >= (pixels <= FEW_PIXELS ? 60 : 100)
  );
}

/** Whether a value is known when the graph is loaded: a constant, or made of constants alone. */
function isFixed({ constant, producer }: Value): boolean {
  return constant !== undefined || (producer?.inputs.every((input) => !input || isFixed(input)) ?? false);
}
