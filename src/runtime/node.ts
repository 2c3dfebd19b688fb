// ONNX Runtime in Node: the only file that imports it.
import './no-telemetry.ts';
import { createHash, randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { failedError, messageOf } from '../core/errors.ts';
import type { DType, FilePlace, Tensor } from '../core/tensor.ts';
import type { Graph } from '../graph/graph.ts';
import { type EncodeOptions, encodeModel } from '../graph/onnx/encode.ts';
import { lowered } from '../graph/passes/lower.ts';
import { devices } from './devices.ts';
import { STOP, stoppedThere, withStop } from './outputs-in-place.ts';
import type { Feeds, Session, SessionOptions } from './session.ts';

/** Version of the engine, as recorded with every run. */
export const engineVersion: string = ort.env.versions.common;

/** Execution providers built into the installed engine. */
export function availableProviders(): { readonly name: string; readonly bundled: boolean }[] {
  return ort.listSupportedBackends();
}

/** Opens sessions and keeps them by the hash of their graph: a graph that comes back is not built again. */
export class Runtime {
  readonly #options: SessionOptions;
  readonly #kept = new Map<string, Promise<Session>>();
  readonly #capacity: number;

  /** Keeps at most `capacity` sessions; the one unused for longest is released first. */
  constructor(options: SessionOptions, capacity = 16) {
    this.#options = options;
    this.#capacity = capacity;
  }

  get threads(): number {
    return this.#options.threads;
  }

  /**
   * The session of a graph; `into` when it is to be run with `runInto`.
   * @throws TriggerlabError (failed) when ONNX Runtime refuses the graph.
   */
  async open(source: Graph, { into = false } = {}): Promise<Session> {
    const graph = lowered(source);
    const folder = constantsFolder(graph);
    const external = (place: FilePlace) => (dirname(place.path) === folder ? basename(place.path) : undefined);
    const encode = (options?: EncodeOptions) => {
      const encoded = encodeModel(graph, options);
      return into ? withStop(encoded) : encoded;
    };
    const model = encode({ external });
    const key = createHash('sha256').update(folder).update(model).digest('hex');
    const known = this.#kept.get(key);
    const session =
      known ?? (folder ? openBeside(folder, model, encode, this.#options) : openSession(model, this.#options));
    this.#kept.delete(key);
    this.#kept.set(key, session);
    if (!known) session.catch(() => this.#kept.delete(key));
    for (const [oldest, unused] of this.#kept) {
      if (this.#kept.size <= this.#capacity) break;
      this.#kept.delete(oldest);
      await (await unused).release();
    }
    return session;
  }

  /** Releases every session. */
  async close(): Promise<void> {
    const sessions = await Promise.allSettled(this.#kept.values());
    this.#kept.clear();
    for (const session of sessions) if (session.status === 'fulfilled') await session.value.release();
  }
}

/** Folder of the files that a graph's constants were read from; empty when they were not. */
function constantsFolder(graph: Graph): string {
  const place = graph.constants.find(({ constant }) => constant?.place)?.constant?.place;
  return place ? dirname(place.path) : '';
}

/**
 * Opens a model whose constants stay in files of `folder`: ONNX Runtime maps them, so that sessions and processes share one
 * copy. It looks for them beside the model's own file, which is there only while it loads. In a folder that cannot be written
 * to, the constants are copied into the model.
 */
async function openBeside(
  folder: string,
  model: Uint8Array,
  whole: () => Uint8Array,
  options: SessionOptions,
): Promise<Session> {
  const path = join(folder, `.graph-${randomUUID()}.onnx`);
  try {
    await writeFile(path, model);
  } catch {
    await rm(path, { force: true });
    return openSession(whole(), options);
  }
  try {
    return await openSession(path, options);
  } finally {
    await rm(path, { force: true });
  }
}

/**
 * Loads an ONNX model from its bytes or its file.
 * @throws TriggerlabError (failed) when ONNX Runtime refuses it, (input) for an unknown device.
 */
export async function openSession(model: Uint8Array | string, options: SessionOptions): Promise<Session> {
  const { provider } = devices.get(options.device ?? 'cpu');
  let session: ort.InferenceSession;
  try {
    session = await ort.InferenceSession.create(model as string, {
      executionProviders: [provider],
      graphOptimizationLevel: 'all',
      intraOpNumThreads: options.threads,
      interOpNumThreads: 1,
      // With it the second run would allocate all memory once more, in one piece, beside that of the first.
      enableMemPattern: false,
      // Its errors come back as exceptions; repeated on stderr they would only confuse.
      logSeverityLevel: 4,
      enableProfiling: options.profile !== undefined,
      ...(options.profile === undefined ? {} : { profileFilePrefix: options.profile }),
    });
  } catch (error) {
    throw failedError(`ONNX Runtime cannot load the graph: ${engineMessage(error)}`, { cause: error });
  }
  const outputNames = session.outputNames.filter((name) => name !== STOP);
  return {
    inputNames: session.inputNames,
    outputNames,
    async run(feeds, outputs = outputNames) {
      try {
        const results = await session.run(toEngine(feeds), [...outputs]);
        return Object.fromEntries(Object.entries(results).map(([name, value]) => [name, fromEngine(value)]));
      } catch (error) {
        throw failedError(`running the graph failed: ${engineMessage(error)}`, { cause: error });
      }
    },
    async runInto(feeds, outputs) {
      const fetches: Record<string, ort.Tensor | null> = toEngine(outputs);
      const stops = session.outputNames.includes(STOP);
      if (stops) fetches[STOP] = null;
      try {
        await session.run(toEngine(feeds), fetches);
      } catch (error) {
        if (stops && stoppedThere(messageOf(error))) return;
        throw failedError(`running the graph failed: ${engineMessage(error)}`, { cause: error });
      }
    },
    async release() {
      if (options.profile !== undefined) session.endProfiling();
      await session.release();
    },
  };
}

const ENGINE_TYPES: Record<DType, ort.Tensor.Type> = {
  float32: 'float32',
  float64: 'float64',
  int64: 'int64',
  int32: 'int32',
  uint8: 'uint8',
  bool: 'bool',
};

function toEngine(feeds: Feeds): Record<string, ort.Tensor> {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, value]) => [
      name,
      new ort.Tensor(ENGINE_TYPES[value.dtype], value.data as ort.Tensor.DataType, value.shape),
    ]),
  );
}

function fromEngine(value: ort.OnnxValue): Tensor {
  return { dtype: value.type as DType, shape: value.dims, data: value.data as Tensor['data'] };
}

/** ONNX Runtime's message with the failing op in front and the C++ source locations taken out. */
function engineMessage(error: unknown): string {
  const text = messageOf(error).replace(/\/[\w./-]+\.(cc|h):\d+ /g, '');
  const node = /(?:running|for) (\w+) node\. Name:'([^']*)'/.exec(text);
  const gist = text
    .replace(/^.*Status Message: /s, '')
    .split('\n')[0]
    .trim();
  return node ? `op ${node[1]} ("${node[2]}"): ${gist}` : gist;
}
