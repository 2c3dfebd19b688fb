import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { fileTensor } from '../core/file-tensor.ts';
import { filled, float32, int64, type Tensor, tensor } from '../core/tensor.ts';
import { Graph } from '../graph/graph.ts';
import { encodeModel } from '../graph/onnx/encode.ts';
import { add } from '../graph/ops/add.ts';
import { cast } from '../graph/ops/cast.ts';
import { gather } from '../graph/ops/gather.ts';
import { mul } from '../graph/ops/mul.ts';
import { devices } from './devices.ts';
import { openSession, Runtime } from './node.ts';

/** y = factor · x on vectors. */
function scaling(factor: number): Graph {
  const graph = new Graph();
  graph.output('y', mul(graph.input('x', 'float32', ['N']), graph.scalar(factor)));
  return graph;
}

const X = float32([3], [1, -2, 0.5]);
const open: Runtime[] = [];
function runtimeOf(capacity?: number): Runtime {
  const runtime = new Runtime({ threads: 1 }, capacity);
  open.push(runtime);
  return runtime;
}
afterEach(async () => {
  for (const runtime of open.splice(0)) await runtime.close();
});

describe('Runtime', () => {
  it('runs a graph, all outputs or those asked for', async () => {
    const graph = scaling(2);
    graph.output('z', add(graph.inputs[0], graph.scalar(1)));
    const session = await runtimeOf().open(graph);
    expect(session.inputNames).toEqual(['x']);
    expect([...session.outputNames].sort()).toEqual(['y', 'z']);
    expect(await session.run({ x: X })).toEqual({ y: float32([3], [2, -4, 1]), z: float32([3], [2, -1, 1.5]) });
    expect(await session.run({ x: X }, ['z'])).toEqual({ z: float32([3], [2, -1, 1.5]) });
  });

  it('writes outputs to the memory they are given, even that of an input', async () => {
    for (const into of [true, false]) {
      const session = await runtimeOf().open(scaling(2), { into });
      expect(session.outputNames).toEqual(['y']);
      const x = float32([3], [1, -2, 0.5]);
      await session.runInto({ x }, { y: x });
      await session.runInto({ x }, { y: x });
      expect(x).toEqual(float32([3], [4, -8, 2]));
      await expect(session.runInto({ x }, { y: filled([2], 0) })).rejects.toMatchObject({ kind: 'failed' });
      await expect(session.runInto({ x: filled([1, 3], 0) }, { y: x })).rejects.toMatchObject({ kind: 'failed' });
    }
  });

  it('a session opened for that takes no new memory for its outputs', async () => {
    const session = await runtimeOf().open(scaling(2), { into: true });
    const x = filled([4e6], 1);
    await session.runInto({ x }, { y: x });
    const faults = process.resourceUsage().minorPageFault;
    for (let i = 0; i < 8; i++) await session.runInto({ x }, { y: x });
    // A copy of every output would be 8 · 16 MB, more than 30,000 pages of 4 kB.
    expect(process.resourceUsage().minorPageFault - faults).toBeLessThan(8000);
    expect(x.data[0]).toBe(2 ** 9);
  });

  it.each([
    tensor('float64', [2], Float64Array.of(1, 2)),
    tensor('int64', [2], BigInt64Array.of(1n, 2n ** 40n)),
    tensor('int32', [1, 2], Int32Array.of(-1, 2)),
    tensor('uint8', [2], Uint8Array.of(0, 255)),
    tensor('bool', [2], Uint8Array.of(0, 1)),
    tensor('float32', [], Float32Array.of(7)),
    tensor('float32', [0, 3], new Float32Array(0)),
  ] as Tensor[])('passes $dtype of shape $shape through', async (given) => {
    const graph = new Graph();
    graph.output('same', graph.input('x', given.dtype, given.shape));
    const session = await runtimeOf().open(graph);
    expect((await session.run({ x: given })).same).toEqual(given);
  });

  it('keeps sessions by what the graph is, and lets go of the one unused for longest', async () => {
    const runtime = runtimeOf(2);
    const first = await runtime.open(scaling(1));
    const second = await runtime.open(scaling(2));
    expect(await runtime.open(scaling(1))).toBe(first);
    await runtime.open(scaling(3));
    expect(await runtime.open(scaling(1))).toBe(first);
    expect(await runtime.open(scaling(2))).not.toBe(second);
    await expect(second.run({ x: X })).rejects.toMatchObject({ kind: 'failed' });
  });

  it('opens a graph once when it is asked for twice at a time', async () => {
    const runtime = runtimeOf();
    const [a, b] = await Promise.all([runtime.open(scaling(5)), runtime.open(scaling(5))]);
    expect(a).toBe(b);
  });

  it('does not keep what could not be opened', async () => {
    const runtime = runtimeOf(1);
    const broken = new Graph();
    const infer = () => [{ dtype: 'float32', shape: [] }] as const;
    const definition = { type: 'NoSuchOp', infer: () => [...infer()] };
    broken.output('y', broken.add(definition, [broken.input('x', 'float32', [])])[0]);
    for (let i = 0; i < 2; i++) {
      await expect(runtime.open(broken)).rejects.toMatchObject({
        kind: 'failed',
        message: expect.stringMatching(/^ONNX Runtime cannot load the graph: .*NoSuchOp/),
      });
    }
    expect(await (await runtime.open(scaling(2))).run({ x: X })).toEqual({ y: float32([3], [2, -4, 1]) });
  });
});

describe('what goes wrong in a session', () => {
  it('is told with the op that failed', async () => {
    const graph = new Graph();
    const table = graph.input('table', 'float32', ['N']);
    graph.output(
      'y',
      graph.scoped('lookup', () => gather(table, graph.input('at', 'int64', ['M']), 0)),
    );
    const session = await runtimeOf().open(graph);
    const run = session.run({ table: X, at: int64([1], [9]) });
    await expect(run).rejects.toMatchObject({
      kind: 'failed',
      message: expect.stringMatching(/^running the graph failed: op Gather \("lookup\/Gather"\): .*9/),
    });
    await expect(run).rejects.not.toMatchObject({ message: expect.stringMatching(/\.cc|\n/) });
  });

  it('names shapes that do not go together, in any op', async () => {
    const graph = new Graph();
    const [a, b] = [graph.input('a', 'float32', ['N']), graph.input('b', 'float32', ['N'])];
    graph.output('y', cast(add(a, b), 'int32'));
    const session = await runtimeOf().open(graph);
    await expect(session.run({ a: X, b: float32([2], [1, 2]) })).rejects.toMatchObject({
      message: expect.stringMatching(/^running the graph failed: op Add \("Add"\)/),
    });
  });

  it('names inputs that are missing or of another type', async () => {
    const session = await runtimeOf().open(scaling(2));
    await expect(session.run({})).rejects.toMatchObject({ kind: 'failed', message: expect.stringContaining("'x'") });
    await expect(session.run({ x: int64([3], [1, 2, 3]) })).rejects.toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('int64'),
    });
  });

  it('bytes that are no model', async () => {
    for (const bytes of [new Uint8Array(0), new Uint8Array(100).fill(7), encodeModel(scaling(1)).subarray(0, 40)]) {
      await expect(openSession(bytes, { threads: 1 })).rejects.toMatchObject({
        kind: 'failed',
        message: expect.stringMatching(/^ONNX Runtime cannot load the graph: ./),
      });
    }
  });

  it('an unknown device', async () => {
    await expect(openSession(encodeModel(scaling(1)), { threads: 1, device: 'gpu' })).rejects.toMatchObject({
      kind: 'input',
      message: 'unknown device "gpu"',
    });
    expect(devices.get('cpu').tested).toBe(true);
  });
});

describe('constants that lie in a file', () => {
  /** x plus 512 numbers of `path`, which come from the file if `placed`. */
  const shifted = (path: string, placed: boolean) => {
    const stored = fileTensor('float32', [512], path, 64);
    const graph = new Graph();
    const x = graph.input('x', 'float32', [512]);
    graph.output('y', add(x, graph.constant(placed ? stored : float32([512], stored.data), 'stored')));
    return graph;
  };
  const both = async (path: string) => {
    const feeds = { x: filled([512], 1) };
    const [copied, placed] = await Promise.all(
      [false, true].map(async (place) => (await runtimeOf().open(shifted(path, place))).run(feeds)),
    );
    return [new Uint8Array(copied.y.data.buffer), new Uint8Array(placed.y.data.buffer)];
  };

  it('stay there: same numbers, and nothing is left beside the file', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'triggerlab-external-'));
    try {
      const path = join(directory, 'weights.bin');
      await writeFile(path, new Uint8Array(Float32Array.from({ length: 600 }, (_, i) => i / 7).buffer));
      const [copied, placed] = await both(path);
      expect(placed).toEqual(copied);
      expect(await readdir(directory)).toEqual(['weights.bin']);
      const model = encodeModel(shifted(path, true), { external: () => 'weights.bin' });
      expect(model.length).toBeLessThan(400);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it.runIf(existsSync('/proc/kallsyms'))('are copied where nothing can be written beside them', async () => {
    const [copied, placed] = await both('/proc/kallsyms');
    expect(placed).toEqual(copied);
  });
});

describe('profiling', () => {
  it('writes a trace where it is told to', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'triggerlab-profile-'));
    try {
      const session = await openSession(encodeModel(scaling(2)), { threads: 1, profile: join(directory, 'trace') });
      await session.run({ x: X });
      await session.release();
      expect(await readdir(directory)).toEqual([expect.stringMatching(/^trace.*\.json$/)]);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
