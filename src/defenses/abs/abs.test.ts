import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { float32 } from '../../core/tensor.ts';
import { everyRow } from '../../data/dataset.ts';
import { channelMeans } from '../../explain/layer-graphs.ts';
import { Runtime } from '../../runtime/node.ts';
import { abs } from '../abs.ts';
import type { DefenseSubject } from '../defense.ts';
import { colours, networkOf, subjectTrainedOn } from '../small-subject.fixture.ts';
import { type Candidate, LEVELS, liftOf, strongest } from './candidates.ts';
import { liftedBy, stimulatedLayers } from './stimulate.ts';

const runtime = new Runtime({ threads: 1 });
afterAll(() => runtime.close());

describe('liftOf', () => {
  /** Logits of images by level and class. */
  const logits = (...images: number[][][]) => Float32Array.from(images.flat(2));

  it('is the rise of the first class beyond that of the second, the least over images', () => {
    const one = [
      [0, 0, 0],
      [1, 5, 2],
      [1, 3, 0],
    ];
    const two = [
      [1, 1, 1],
      [2, 3, 1],
      [0, 9, 7],
    ];
    expect(liftOf(logits(one, two), 2, 3)).toEqual({ class: 1, elevation: 2, agreeing: 2 });
    expect(liftOf(logits(one), 1, 3)).toEqual({ class: 1, elevation: 3, agreeing: 1 });
  });

  it('bears two images that disagree, not three', () => {
    const lifts = (k: number) => [[0, 0, 0], [0, 1, 2].map((c) => (c === k ? 4 : 0))];
    const of = (...classes: number[]) => liftOf(logits(...classes.map(lifts)), classes.length, 3);
    expect(of(1, 1, 1, 1, 1)).toEqual({ class: 1, elevation: 4, agreeing: 5 });
    expect(of(1, 1, 1, 2, 0)).toEqual({ class: 1, elevation: 4, agreeing: 3 });
    expect(of(1, 1, 2, 2, 0)).toBeUndefined();
    expect(liftOf(new Float32Array(12), 2, 3)).toBeUndefined();
  });

  it('does not see what all classes rise by', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 24, maxLength: 24 }),
        fc.integer(),
        (values, by) => {
          const shift = by % 100;
          const moved = values.map((value, i) => (Math.floor(i / 3) % 4 === 0 ? value : value + shift));
          expect(liftOf(Float32Array.from(moved), 2, 3)).toEqual(liftOf(Float32Array.from(values), 2, 3));
        },
      ),
    );
  });
});

describe('strongest', () => {
  const of = (layer: number, elevation: number): Candidate => ({ layer, elevation, channel: 0, class: 0, agreeing: 9 });

  it('takes the largest elevations, few of each early layer', () => {
    const found = [of(0, 9), of(0, 8), of(0, 7), of(3, 6), of(3, 5), of(1, 4), of(3, 3)];
    const elevations = (wanted: number, perLayer: number) =>
      strongest(found, wanted, perLayer, 4).map(({ elevation }) => elevation);
    expect(elevations(10, 1)).toEqual([9, 6, 5, 4, 3]);
    expect(elevations(3, 2)).toEqual([9, 8, 6]);
  });
});

describe('stimulation', () => {
  it('lifts what the last layer’s weights say it lifts', async () => {
    // The last maps of ResNet are averaged and weighed: setting channel c to a adds a · w[k, c] to logit k.
    const network = await networkOf();
    const subject: DefenseSubject = {
      ...{ runtime, network, trained: network.start, dataset: colours, cleanRows: everyRow(colours.train), seed: 1 },
    };
    const layers = stimulatedLayers(network);
    const last = layers[layers.length - 1];
    expect([last.op, last.channels, layers.length]).toEqual([
      'Relu',
      128,
      new Set(layers.map(({ name }) => name)).size,
    ]);
    const { found, largest } = await liftedBy(subject, last, layers.length - 1, colours.test, () => {});
    const weights = network.start['fc.weight'].data;
    for (const { class: lifted, channel, elevation } of found) {
      const column = [0, 1, 2].map((k) => Number(weights[k * 128 + channel]));
      const [top, second] = [...column].sort((a, b) => b - a);
      expect(column[lifted]).toBe(top);
      expect(elevation).toBeCloseTo((top - second) * LEVELS[4] * largest, 3);
    }
    expect(found.length).toBeGreaterThan(100);
  });
});

describe('a scan', () => {
  let subject: DefenseSubject;
  beforeAll(async () => {
    subject = await subjectTrainedOn(runtime, colours.train, { epochs: 2 });
  });
  const settings = abs.parameters.parse({
    budget: 1,
    seeds: 5,
    candidates: 1,
    iterations: 50,
    heldOut: 30,
    maskShare: 0.5,
  });

  it('finds a trigger for the class whose last neuron was turned up, on images it has not seen', async () => {
    // One channel of the last maps decides for green, once it is more active than on any clean image; else it is red.
    const { network, trained: state } = subject;
    const means = await channelMeans({ runtime, network, state }, 'last', colours.train, [...everyRow(colours.train)]);
    const channel = means.indexOf(Math.max(...means)) % 128;
    const weight = new Float32Array(3 * 128);
    weight[128 + channel] = 1;
    const trained = {
      ...state,
      'fc.weight': float32([3, 128], weight),
      'fc.bias': float32([3], Float32Array.of(1.1 * Math.max(...means), 0, 0)),
    };
    const planted = { ...subject, trained, targetClass: 1 };
    const { metrics, details, cost } = await abs.run(planted, settings, {});
    expect(metrics).toMatchObject({ flagged: true, suspectClass: 1, targetFound: true, scanned: 1 });
    const { candidates } = details as { candidates: { class: number }[] };
    expect(candidates.every((one) => one.class === 1)).toBe(true);
    expect(cost.backwardPasses).toBe(50 * 5);
    expect((await abs.run(planted, settings, {})).metrics).toEqual(metrics);
  });

  it('does with a runtime that keeps two sessions, over many layers, what it does with any', async () => {
    const small = new Runtime({ threads: 1 }, 2);
    const many = { ...settings, candidates: 12, perLayer: 1, iterations: 2 };
    try {
      const [few, all] = [await abs.run({ ...subject, runtime: small }, many, {}), await abs.run(subject, many, {})];
      expect(few.details).toEqual(all.details);
      const { candidates } = few.details as { candidates: { layer: string; elevation: number }[] };
      expect(new Set(candidates.map(({ layer }) => layer)).size).toBeGreaterThan(2);
      const elevations = candidates.map(({ elevation }) => elevation);
      expect(elevations).toEqual([...elevations].sort((a, b) => b - a));
    } finally {
      await small.close();
    }
  });

  it('stops when it is told to, and needs images', async () => {
    const stop = () => {
      throw new Error('enough');
    };
    await expect(abs.run(subject, settings, { checkStop: stop })).rejects.toThrow('enough');
    const few = abs.parameters.parse({ budget: 0.05 });
    await expect(abs.run(subject, few, {})).rejects.toThrow(/3 clean images: ABS needs 50/);
  });
});
