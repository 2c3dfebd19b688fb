// ONNX Runtime in Node: the only file that imports it.
import { createHash } from 'node:crypto';
import * as ort from 'onnxruntime-node';
import { failedError, messageOf } from '../core/errors.ts';
import type { DType, Tensor } from '../core/tensor.ts';
import type { Graph } from '../graph/graph.ts';
import { encodeModel } from '../graph/onnx/encode.ts';
import { devices } from './devices.ts';
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

  /** The session of a graph. @throws TriggerlabError (failed) when ONNX Runtime refuses the graph. */
  async open(graph: Graph): Promise<Session> {
    const model = encodeModel(graph);
    const key = createHash('sha256').update(model).digest('hex');
    const known = this.#kept.get(key);
    const session = known ?? openSession(model, this.#options);
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

/** Loads the bytes of an ONNX model. @throws TriggerlabError (failed) when ONNX Runtime refuses them, (input) for an unknown device. */
export async function openSession(model: Uint8Array, options: SessionOptions): Promise<Session> {
  const { provider } = devices.get(options.device ?? 'cpu');
  let session: ort.InferenceSession;
  try {
    session = await ort.InferenceSession.create(model, {
      executionProviders: [provider],
      graphOptimizationLevel: 'all',
      intraOpNumThreads: options.threads,
      interOpNumThreads: 1,
      // Its errors come back as exceptions; repeated on stderr they would only confuse.
      logSeverityLevel: 4,
      enableProfiling: options.profile !== undefined,
      ...(options.profile === undefined ? {} : { profileFilePrefix: options.profile }),
    });
  } catch (error) {
    throw failedError(`ONNX Runtime cannot load the graph: ${engineMessage(error)}`, { cause: error });
  }
  return {
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    async run(feeds, outputs = session.outputNames) {
      try {
        const results = await session.run(toEngine(feeds), [...outputs]);
        return Object.fromEntries(Object.entries(results).map(([name, value]) => [name, fromEngine(value)]));
      } catch (error) {
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
