import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../core/rng.ts';
import { everyRow, memorySource } from '../data/dataset.ts';
import { Graph } from '../graph/graph.ts';
import { Runtime } from '../runtime/node.ts';
import { emitForward } from '../train/network.ts';
import { eachLogits } from '../train/predict.ts';
import { activationClustering } from './activation-clustering.ts';
import type { DefenseDefinition, DefenseSubject } from './defense.ts';
import { defenderImages, defenderRows } from './fine-tune.ts';
import { hiddenFeatures, hiddenValue } from './hidden-features.ts';
import { measureFindings } from './row-findings.ts';
import { colours, networkOf, pictures, subjectTrainedOn } from './small-subject.fixture.ts';
import { spectralSignatures } from './spectral-signatures.ts';
import { strip } from './strip.ts';
import { entropyThreshold, examinedRows, meanEntropy } from './strip-entropy.ts';

const runtime = new Runtime({ threads: 1 });
afterAll(() => runtime.close());

const marked = (row: number) => row % 6 === 1;
const poisoned = pictures(60, { marked, label: (row) => (marked(row) ? 2 : row % 3) });
const rows = Int32Array.from([...Array(60).keys()].filter(marked));
const run = <P extends object>(definition: DefenseDefinition<P>, subject: DefenseSubject, given: object = {}) =>
  definition.run(subject, definition.parameters.parse(given), {});

describe('hidden features', () => {
  it.each(['resnet-mini', 'alexnet-mini', 'vgg-mini', 'googlenet-mini'])(
    'of %s are what its last layer is given',
    async (model) => {
      const network = await networkOf(model, 'head');
      const hidden = hiddenValue(emitForward(new Graph('test'), network, 'evaluate'), network);
      const { info } = network;
      const { head } = network.model.architecture;
      expect(hidden.shape[1]).toBe(info.parameters.find(({ name }) => name === `${head}.weight`)?.shape[1]);
      const found = await hiddenFeatures({ runtime, network, trained: network.start }, colours.test, [0, 5]);
      expect(found.data).toHaveLength(2 * found.width);
      expect(found.width).toBe(hidden.shape[1]);
    },
  );
});

describe('findings', () => {
  it('are measured against the truth; a sample’s precision is that of all rows', () => {
    const findings = { rows: [3, 5, 7, 9], flagged: [1, 1, 0, 0], scores: [4, 2, 3, 1] };
    expect(measureFindings(findings, new Set([3, 7]))).toEqual({
      ...{ examinedRows: 4, flaggedRows: 2, precision: 0.5, recall: 0.5, falsePositiveRate: 0.5, auc: 1 },
    });
    expect(measureFindings(findings, new Set([3, 7]), 0.1).precision).toBeCloseTo(0.1, 12);
    expect(measureFindings(findings, new Set())).toMatchObject({ precision: null, recall: null, auc: null });
    expect(measureFindings({ ...findings, flagged: [0, 0, 0, 0] }, new Set([3])).precision).toBeNull();
  });
});

describe('entropy', () => {
  it('is 0 for certainty, log2 of the classes for none; its threshold is a quantile', () => {
    expect(meanEntropy(Float32Array.of(1000, 0, 0, 0, 1000, 0), 3)).toBe(0);
    expect(meanEntropy(new Float32Array(8), 4)).toBeCloseTo(2, 12);
    expect(meanEntropy(Float32Array.of(0, 0, 500, 0), 2)).toBeCloseTo(0.5, 12);
    const values = Array.from({ length: 101 }, (_, i) => i / 100);
    expect(entropyThreshold(values, 0.01, 'empirical')).toBeCloseTo(0.01, 12);
    expect(entropyThreshold([...values].reverse(), 0.055, 'empirical')).toBeCloseTo(0.055, 12);
    // scipy.stats.norm.ppf(0.01, 0.5, numpy.std(values)) = -0.17823…
    expect(entropyThreshold(values, 0.01, 'normal')).toBeCloseTo(0.5 - 2.3263478740408408 * Math.sqrt(0.085), 10);
  });

  it('rows to examine are half poisoned as far as that goes', () => {
    const bad = new Set([1, 2, 3]);
    const count = (wanted: number) => [...examinedRows(50, bad, wanted, 1)].filter((row) => bad.has(row)).length;
    expect([count(4), count(20), examinedRows(50, bad, 20, 1).length]).toEqual([2, 3, 20]);
    expect(examinedRows(50, bad, 20, 1)).toEqual(examinedRows(50, bad, 20, 1));
    expect(examinedRows(10, new Set(), 20, 1)).toHaveLength(10);
  });
});

describe('defences that sift data', () => {
  let subject: DefenseSubject;
  let clean: DefenseSubject;
  beforeAll(async () => {
    const trained = await subjectTrainedOn(runtime, poisoned, { epochs: 8 });
    subject = { ...trained, poisoned: async () => ({ source: poisoned, rows }), poisonRate: 1 / 6, targetClass: 2 };
    const honest = await subjectTrainedOn(runtime, colours.train, { epochs: 4 });
    clean = { ...honest, poisoned: async () => ({ source: colours.train, rows: new Int32Array() }), poisonRate: 0 };
  });

  it('activation clustering finds the marked greens among the blues', async () => {
    const { metrics, details, cost } = await run(activationClustering, subject);
    expect(metrics).toMatchObject({ targetFlagged: true, recall: 1, auc: 1 });
    expect((details as { classes: object[] }).classes[2]).toMatchObject({
      images: 30,
      poisoned: 10,
      poisonedInSmaller: 10,
    });
    expect(cost).toEqual({ forwardPasses: 60, backwardPasses: 0 });
    expect((await run(activationClustering, subject)).metrics).toEqual(metrics);
  });

  it('spectral signatures takes as many out of each class as it is told, the poisoned first', async () => {
    const { metrics, details } = await run(spectralSignatures, subject, { epsilon: 'known' });
    const { classes } = details as { classes: { images: number; removed: number; poisonedRemoved: number }[] };
    expect(classes.map(({ images, removed }) => [images, removed])).toEqual([
      [20, 10],
      [10, 5],
      [30, 15],
    ]);
    expect(classes[2].poisonedRemoved).toBe(10);
    expect(metrics).toMatchObject({ recall: 1, auc: 1, falsePositiveRate: 0.4 });
    expect((await run(spectralSignatures, subject, { epsilon: 0.05 })).metrics.flaggedRows).toBe(15);
  });

  it('strip’s entropies are those of answers to superimposed pictures', async () => {
    const given = { budget: 0.5, overlays: 20, examined: 40, blend: 'mean' };
    const { metrics, details, cost } = await run(strip, subject, given);
    expect(metrics.examinedRows).toBe(40);
    expect(cost.forwardPasses).toBe((30 + 40) * 20);
    expect((await run(strip, subject, given)).metrics).toEqual(metrics);
    // By hand, with pixels of whole levels: half a level may be lost.
    const own = defenderImages(subject, defenderRows(subject, 0.5));
    const stream = Rng.of(1, 'strip', 'calibration', 4);
    const laid = own.read(Array.from({ length: 20 }, () => stream.int(0, 29)));
    const shown = own.read([4]);
    const mixed = laid.map((level, i) => Math.round((level + shown[i % shown.length]) / 2));
    const logits: number[] = [];
    const pictures = memorySource({ height: 8, width: 8, channels: 3 }, mixed, new Uint16Array(20));
    await eachLogits(runtime, subject.network, subject.trained, pictures, everyRow(pictures), (row) => {
      logits.push(...row);
    });
    const { calibration } = details as { calibration: number[] };
    expect(calibration).toHaveLength(30);
    expect(calibration[4]).toBeCloseTo(meanEntropy(Float32Array.from(logits), 3), 2);
  });

  it('have nothing to be right about in clean data', async () => {
    for (const definition of [activationClustering, spectralSignatures] as DefenseDefinition[]) {
      expect((await run(definition, clean)).metrics).toMatchObject({ precision: null, recall: null, auc: null });
    }
  });

  it('refuse a network whose data is not known', async () => {
    const unknown = { ...subject, poisoned: undefined };
    await expect(run(activationClustering, unknown)).rejects.toThrow(/not known what this network was trained on/);
    await expect(run(strip, { ...subject }, { budget: 0.1 })).rejects.toThrow(/6 clean images: too few/);
  });
});
