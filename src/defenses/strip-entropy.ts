// What STRIP does: mean entropy of a network's answers to an image under many others, against a threshold from clean images.
import { compiled, ndtri } from 'cephes';
import { inputError } from '../core/errors.ts';
import { Rng } from '../core/rng.ts';
import { type Tensor, tensor } from '../core/tensor.ts';
import { everyRow, type ImageSource } from '../data/dataset.ts';
import { copyInto } from '../graph/copy.ts';
import { Graph } from '../graph/graph.ts';
import { add } from '../graph/ops/add.ts';
import { min } from '../graph/ops/min.ts';
import { mul } from '../graph/ops/mul.ts';
import { emitForward } from '../train/network.ts';
import { seenPixels, stateFeeds } from '../train/predict.ts';
import type { DefenseResult, DefenseSubject, DefenseWatch } from './defense.ts';
import { defenderImages, defenderRows } from './fine-tune.ts';
import { labelledRows } from './labelled-rows.ts';
import { measureFindings } from './row-findings.ts';
import type { StripParameters } from './strip.ts';

await compiled;

/** Entropy in bits of the softmax of each row of logits [rows, classes], mean over the rows. */
export function meanEntropy(logits: Float32Array, classes: number): number {
  const rows = logits.length / classes;
  let total = 0;
  for (let i = 0; i < rows; i++) {
    const own = logits.subarray(i * classes, (i + 1) * classes);
    const largest = Math.max(...own);
    const powers = Array.from(own, (value) => Math.exp(value - largest));
    const sum = powers.reduce((a, b) => a + b, 0);
    for (const power of powers) if (power > 0) total -= (power / sum) * Math.log2(power / sum);
  }
  return total / rows;
}

/** Below which entropy an image is rejected, so that `share` of clean ones are. @param entropies of clean images, at least two */
export function entropyThreshold(entropies: readonly number[], share: number, how: 'normal' | 'empirical'): number {
  const n = entropies.length;
  if (how === 'empirical') {
    // Linear between order statistics, as numpy's percentile.
    const sorted = [...entropies].sort((a, b) => a - b);
    const at = share * (n - 1);
    const below = Math.floor(at);
    return sorted[below] + (at - below) * (sorted[Math.min(below + 1, n - 1)] - sorted[below]);
  }
  const mean = entropies.reduce((a, b) => a + b, 0) / n;
  const deviation = Math.sqrt(entropies.reduce((sum, value) => sum + (value - mean) ** 2, 0) / n);
  return mean + deviation * ndtri(share);
}

type Entropy = (source: ImageSource, row: number, stream: Rng) => Promise<number>;

/** The network behind its own resize, on images that are superimposed as it sees them, triggers stamped at input size included. */
async function superimposing(
  { runtime, network, trained }: DefenseSubject,
  over: ImageSource,
  { overlays, blend }: StripParameters,
): Promise<Entropy> {
  const forward = emitForward(new Graph('forward'), network, 'evaluate');
  const side = network.preprocessing.inputSize;
  const graph = new Graph(`strip ${blend} ${network.model.name}`);
  const shown = graph.input('shown', 'float32', [1, 3, side, side]);
  const laid = graph.input('laid', 'float32', ['N', 3, side, side]);
  const sum = add(laid, shown);
  const mixed = blend === 'sum' ? min(sum, graph.scalar(1)) : mul(sum, graph.scalar(0.5));
  graph.output('logits', copyInto(graph, [forward.logits], new Map([[forward.pixels, mixed]]))[0]);
  const session = await runtime.open(graph);
  const wanted = new Set(graph.inputs.map(({ name }) => name));
  const state = Object.fromEntries(Object.entries(stateFeeds(network, trained)).filter(([name]) => wanted.has(name)));
  const pixels = 3 * side * side;
  const all = (await seenPixels(runtime, network, over, everyRow(over))).data as Float32Array;
  return async (source, row, stream) => {
    const own: Tensor = await seenPixels(runtime, network, source, [row]);
    const chosen = new Float32Array(overlays * pixels);
    for (let k = 0; k < overlays; k++) {
      const i = stream.int(0, over.count - 1);
      chosen.set(all.subarray(i * pixels, (i + 1) * pixels), k * pixels);
    }
    const feeds = { ...state, shown: own, laid: tensor('float32', [overlays, 3, side, side], chosen) };
    return meanEntropy((await session.run(feeds)).logits.data as Float32Array, network.classes);
  };
}

/** Rows to examine: half of them poisoned as far as there are so many, drawn by the seed; ascending. */
export function examinedRows(count: number, poisoned: ReadonlySet<number>, wanted: number, seed: number): Int32Array {
  const order = Array.from(Rng.of(seed, 'strip', 'rows').permutation(count));
  const half = Math.min(Math.floor(wanted / 2), poisoned.size);
  const bad = order.filter((row) => poisoned.has(row)).slice(0, half);
  const good = order.filter((row) => !poisoned.has(row)).slice(0, Math.max(0, wanted - bad.length));
  return Int32Array.from([...bad, ...good]).sort();
}

export async function stripFindings(
  subject: DefenseSubject,
  settings: StripParameters,
  { onProgress, checkStop }: DefenseWatch,
): Promise<DefenseResult> {
  const { seed } = subject;
  const { source, poisoned, poisonShare } = await labelledRows(subject);
  const own = defenderImages(subject, defenderRows(subject, settings.budget));
  if (own.count < 10) {
    throw inputError(`the defender has ${own.count} clean images: too few for a threshold`, { hint: 'Raise budget.' });
  }
  const entropyOf = await superimposing(subject, own, settings);
  const calibration = Math.min(settings.calibration, own.count);
  const rows = examinedRows(source.count, poisoned, settings.examined, seed);
  const total = calibration + rows.length;
  const measure = async (from: ImageSource, row: number, kind: string, done: number) => {
    checkStop?.();
    onProgress?.(done / total, 'entropy');
    return entropyOf(from, row, Rng.of(seed, 'strip', kind, row));
  };
  const clean: number[] = [];
  for (let i = 0; i < calibration; i++) clean.push(await measure(own, i, 'calibration', i));
  const threshold = entropyThreshold(clean, settings.falseRejection, settings.threshold);
  const entropies: number[] = [];
  for (const [i, row] of rows.entries()) entropies.push(await measure(source, row, 'examined', calibration + i));
  const flagged = entropies.map((entropy) => entropy < threshold);
  return {
    metrics: {
      threshold,
      ...measureFindings({ rows, flagged, scores: entropies.map((entropy) => -entropy) }, poisoned, poisonShare),
    },
    details: {
      calibration: clean,
      examined: entropies.map((entropy, i) => ({ row: rows[i], entropy, poisoned: poisoned.has(rows[i]) })),
    },
    cost: { forwardPasses: total * settings.overlays, backwardPasses: 0 },
  };
}
