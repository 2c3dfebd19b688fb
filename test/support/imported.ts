// Imported models as graphs: with their own weights, and run on one batch.
import type { Tensor } from '../../src/core/tensor.ts';
import { Graph, type Value } from '../../src/graph/graph.ts';
import { encodeModel } from '../../src/graph/onnx/encode.ts';
import type { ImportedModel } from '../../src/models/imported.ts';
import { type LayerContext, Layers } from '../../src/models/layers.ts';
import { openSession } from '../../src/runtime/node.ts';

export interface EmittedModel {
  readonly graph: Graph;
  readonly image: Value;
  readonly logits: Value;
  /** Constants of the graph by parameter and buffer name. */
  readonly parameters: ReadonlyMap<string, Value>;
  readonly masks: readonly string[];
}

/** The network with its own head and weights, in evaluation mode. */
export function emitImported(model: ImportedModel, size = model.inputSize, dropout = false): EmittedModel {
  const graph = new Graph(model.name);
  const image = graph.input('image', 'float32', ['N', 3, size, size]);
  const tensors = model.tensors();
  const parameters = new Map<string, Value>();
  const masks: string[] = [];
  const constant = (name: string): Value => {
    const value = graph.constant(tensors[name], `state/${name}`);
    parameters.set(name, value);
    return value;
  };
  const context: LayerContext = {
    graph,
    batchNormMode: 'running',
    parameter: constant,
    buffer: constant,
    updateBuffer() {},
    dropoutMask(name, shape) {
      masks.push(name);
      return dropout ? graph.input(`mask/${name}`, 'uint8', shape) : undefined;
    },
  };
  const layers = new Layers(context, model.architecture.convInitializer);
  const { logits } = model.architecture.forward(layers, image, { classes: model.classes, origin: 'pretrained' });
  graph.output('logits', logits);
  return { graph, image, logits, parameters, masks };
}

/** Logits of a batch of images. */
export async function importedLogits(model: ImportedModel, image: Tensor): Promise<Tensor> {
  const { graph } = emitImported(model, image.shape[2]);
  return runModel(encodeModel(graph), image);
}

/** The first output of an ONNX model for its first input. */
export async function runModel(bytes: Uint8Array, image: Tensor): Promise<Tensor> {
  const session = await openSession(bytes, { threads: 1 });
  try {
    const results = await session.run({ [session.inputNames[0]]: image });
    return results[session.outputNames[0]];
  } finally {
    await session.release();
  }
}

/** Largest absolute difference of two tensors; NaN when their sizes differ. */
export function largestDifference(a: Tensor, b: Tensor): number {
  if (a.data.length !== b.data.length) return Number.NaN;
  let worst = 0;
  for (let i = 0; i < a.data.length; i++) {
    const difference = Math.abs(Number(a.data[i]) - Number(b.data[i]));
    if (!(difference <= worst)) worst = difference;
  }
  return worst;
}
