import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { memorySource } from '../../data/dataset.ts';
import { Runtime } from '../../runtime/node.ts';
import { type CleanseInput, neuralCleanse } from './neural-cleanse.ts';
import { CLASSES, PLANTED, plantedImages, plantedNetwork, SIDE } from './planted.fixture.ts';
import type { Lane } from './reverse-triggers.ts';
import { cleanseSettings } from './settings.ts';

const settings = cleanseSettings({ steps: 100, batchesPerStep: 3, batchSize: 32 });

describe('Neural Cleanse on a classifier with a shortcut built in', () => {
  let runtime: Runtime;
  beforeAll(() => {
    runtime = new Runtime({ threads: 1 });
  });
  afterAll(() => runtime.close());

  const input = async (planted = true, more: Partial<CleanseInput> = {}): Promise<CleanseInput> => ({
    ...{ runtime, network: await plantedNetwork(planted), trained: {}, images: plantedImages(), settings, seed: 0 },
    ...more,
  });

  it('finds the class and the pixel', async () => {
    const result = await neuralCleanse(await input());
    expect(result.complete).toBe(true);
    expect(result.classes.map((one) => one.class)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(result.anomaly.mostSuspicious).toBe(PLANTED.class);
    expect(result.anomaly.score).toBeGreaterThan(2);
    const { trigger, asr } = result.classes[PLANTED.class];
    expect(asr).toBeGreaterThanOrEqual(0.8);
    const mask = trigger?.planes.subarray(0, SIDE * SIDE) ?? new Float32Array();
    const peak = mask.indexOf(Math.max(...mask));
    expect([peak % SIDE, Math.floor(peak / SIDE)]).toEqual([PLANTED.x, PLANTED.y]);
    expect(trigger?.norm).toBeLessThan(3);
    expect(trigger?.norm).toBeCloseTo(
      mask.reduce((sum, one) => sum + one, 0),
      3,
    );
  });

  it('sees no such class without it', async () => {
    const { anomaly } = await neuralCleanse(await input(false));
    expect(anomaly.score).toBeLessThan(4);
    const norms = await neuralCleanse(await input());
    expect(anomaly.median).toBeGreaterThan(2 * (norms.classes[PLANTED.class].trigger?.norm ?? 99));
  });

  it('same input, same bits; another seed, other bits', async () => {
    const short = { settings: cleanseSettings({ steps: 15, batchSize: 16 }), classes: [1, 3] };
    const found = async (seed: number) => {
      const lanes: Lane[] = [];
      const onStep = (now: readonly Lane[]) => {
        if (!now[0].done) lanes.splice(0, 9, ...now);
      };
      await neuralCleanse(await input(true, { ...short, seed, watch: { onStep } }));
      return lanes.map(({ theta }) => theta);
    };
    expect(await found(0)).toEqual(await found(0));
    expect(await found(1)).not.toEqual(await found(0));
  });

  it('goes on where it was stopped', async () => {
    const whole = await neuralCleanse(await input());
    let kept: readonly Lane[] = [];
    let steps = 0;
    const part = await neuralCleanse(
      await input(true, {
        watch: {
          onStep: (lanes) => {
            kept = lanes;
            steps++;
          },
          shouldStop: () => steps >= 50,
        },
      }),
    );
    expect(part.complete).toBe(false);
    expect(part.classes.every(({ complete }) => !complete)).toBe(true);
    const rest = await neuralCleanse(await input(true, { resume: kept }));
    expect(rest.classes).toEqual(whole.classes);
    expect(part.cost.backwardPasses + rest.cost.backwardPasses).toBe(whole.cost.backwardPasses);
    expect(whole.cost.backwardPasses).toBe(100 * 96 * CLASSES);
  });

  it('several starts: the smallest mask counts', async () => {
    const short = cleanseSettings({ steps: 60, batchSize: 16 });
    const classes = [PLANTED.class];
    let lanes: readonly Lane[] = [];
    const onStep = (now: readonly Lane[]) => {
      lanes = now;
    };
    const three = await neuralCleanse(
      await input(true, { settings: { ...short, restarts: 3 }, classes, watch: { onStep } }),
    );
    expect(three.classes[0].steps).toBe(180);
    const norms = lanes.map(({ found }) => found?.norm ?? Number.POSITIVE_INFINITY);
    expect(new Set(norms).size).toBe(3);
    expect(three.classes[0].trigger?.norm).toBe(Math.min(...norms));
    expect(three.anomaly.untestable).toBe('few-classes');
  });

  it('no trigger found is no trigger, not a suspicious one', async () => {
    // After one step nothing works yet.
    const result = await neuralCleanse(await input(true, { settings: cleanseSettings({ steps: 1, batchSize: 16 }) }));
    const without = result.classes.filter(({ trigger }) => !trigger);
    expect(without.length).toBeGreaterThan(3);
    expect(without.every(({ asr, anomalyIndex }) => asr === undefined && anomalyIndex === undefined)).toBe(true);
    expect(result.anomaly.untestable).toBe('few-classes');
  });

  it('refuses classes that are not there, and no images', async () => {
    await expect(neuralCleanse(await input(true, { classes: [0, 6] }))).rejects.toThrow('there is no class 6');
    const none = memorySource({ height: SIDE, width: SIDE, channels: 3 }, new Uint8Array(), new Uint16Array());
    await expect(neuralCleanse(await input(true, { images: none }))).rejects.toThrow('needs images');
  });
});
