// Training that is interrupted and taken up again, against training that is not: the same bits.
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Rng } from '../core/rng.ts';
import { memorySource } from '../data/dataset.ts';
import { parseFreeze } from '../models/freeze.ts';
import { models } from '../models/registry.ts';
import { Runtime } from '../runtime/node.ts';
import { CheckpointFile, type Checkpointing, TrainingStopped } from './checkpoint.ts';
import { createNetwork } from './network.ts';
import { type TrainingOptions, type TrainingResult, train } from './train.ts';

const rng = Rng.of(0, 'pixels');
const source = memorySource(
  { height: 8, width: 8, channels: 3 },
  Uint8Array.from({ length: 40 * 192 }, () => rng.int(0, 255)),
  Uint16Array.from({ length: 40 }, (_, row) => row % 3),
);
const folder = mkdtempSync(join(tmpdir(), 'checkpoint-'));
const runtime = new Runtime({ threads: 1 });
afterAll(async () => {
  await runtime.close();
  rmSync(folder, { recursive: true });
});

const options: TrainingOptions = {
  ...{ optimizer: 'adam', learningRate: 0.002, momentum: 0, weightDecay: 0 },
  ...{ epochs: 3, batchSize: 16, seed: 1 },
};
const STEPS = 9;

async function trained(model: string, checkpointing?: Checkpointing, changes: Partial<TrainingOptions> = {}) {
  const network = await createNetwork({
    ...{ model: models.get(model), dataset: { classes: ['a', 'b', 'c'], train: source } },
    ...{ inputSize: 32, init: 'random', freeze: parseFreeze('none'), seed: 1 },
  });
  return train(runtime, network, source, { ...options, ...changes, checkpointing });
}

const bits = ({ trained: state, epochLosses }: TrainingResult) => [
  epochLosses,
  Object.entries(state).map(([name, { data }]) => [name, Buffer.from(data.buffer).toString('hex')]),
];

let files = 0;
const newPath = () => join(folder, `${files++}.safetensors`);
const warnings: string[] = [];
const fileAt = (path: string, runId = 'run') =>
  new CheckpointFile({ path, runId, everySeconds: 0, warn: (message) => warnings.push(message) });

/** Stops training after so many steps. */
function stopAfter(steps: number, file: CheckpointFile): Checkpointing {
  let taken = 0;
  return {
    load: () => file.load(),
    save: (checkpoint) => file.save(checkpoint),
    due: () => (++taken >= steps ? 'stop' : 'go on'),
  };
}

describe('checkpoints', { timeout: 120_000 }, () => {
  // AlexNet draws dropout masks, ResNet carries running statistics.
  it.each([
    ['alexnet-mini', {}],
    ['resnet-mini', {}],
    ['resnet-mini', { modeAfterFirstEpoch: 'eval' }],
  ] as const)('%s %o: stopped at any step and resumed gives the same bits', async (model, changes) => {
    const whole = bits(await trained(model, undefined, changes));
    const path = newPath();
    const positions: number[] = [];
    // In the middle of an epoch, at the end of one, and twice in a row.
    for (const steps of [2, 1, 4]) {
      await expect(trained(model, stopAfter(steps, fileAt(path)), changes)).rejects.toBeInstanceOf(TrainingStopped);
      positions.push((await fileAt(path).load())?.position.steps ?? -1);
    }
    expect(positions).toEqual([2, 3, 7]);
    const onResume = ({ steps }: { steps: number }) => positions.push(steps);
    expect(bits(await trained(model, fileAt(path), { ...changes, onResume }))).toEqual(whole);
    expect(positions.at(-1)).toBe(7);
    expect(warnings).toEqual([]);
  });

  it('writing them changes nothing, and one after the last step is enough to end', async () => {
    const path = newPath();
    const file = fileAt(path);
    const always: Checkpointing = { load: () => file.load(), save: (c) => file.save(c), due: () => 'save' };
    const whole = await trained('alexnet-mini', always);
    expect((await file.load())?.position.steps).toBe(STEPS);
    expect(bits(await trained('alexnet-mini', always))).toEqual(bits(whole));
    await file.remove();
    expect(await file.load()).toBeUndefined();
  });

  it('a damaged file, one of another run or of other training is not used', async () => {
    const path = newPath();
    await expect(trained('alexnet-mini', stopAfter(4, fileAt(path)))).rejects.toBeInstanceOf(TrainingStopped);
    expect(await fileAt(path, 'other').load()).toBeUndefined();
    expect(warnings.pop()).toContain('belongs to run run');
    const whole = bits(await trained('resnet-mini'));
    const resumed: number[] = [];
    const onResume = () => resumed.push(1);
    expect(bits(await trained('resnet-mini', fileAt(path), { onResume }))).toEqual(whole);
    const shorter = { epochs: 1, onResume };
    expect(bits(await trained('alexnet-mini', fileAt(path), shorter))).toEqual(
      bits(await trained('alexnet-mini', undefined, shorter)),
    );
    expect(resumed).toEqual([]);
    truncateSync(path, readFileSync(path).length - 8);
    expect(await fileAt(path).load()).toBeUndefined();
    writeFileSync(path, 'nonsense');
    expect(await fileAt(path).load()).toBeUndefined();
    expect(warnings.splice(0)).toHaveLength(2);
  });

  it('a place that cannot be written to is told, and training goes on', async () => {
    const file = fileAt('/proc/nowhere/checkpoint.safetensors');
    await expect(trained('alexnet-mini', stopAfter(1, file))).rejects.toBeInstanceOf(TrainingStopped);
    expect(warnings.splice(0)[0]).toContain('could not be written');
  });
});
