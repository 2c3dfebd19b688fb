// What Fine-Pruning does: ranks channels by their mean activation, silences some, fine-tunes what is left.
import { channelMeans, layerIn, silenced } from '../explain/layer-graphs.ts';
import type { Classifier, DefenseResult, DefenseSubject, DefenseWatch } from './defense.ts';
import type { FinePruningParameters } from './fine-pruning.ts';
import { defenderImages, defenderRows, fineTune } from './fine-tune.ts';

/** Channels in the order in which they are silenced: by mean activation over images, the first of equals first. */
export function pruningOrder(means: readonly number[], order: 'least' | 'most'): number[] {
  const sign = order === 'least' ? 1 : -1;
  return means.map((_, channel) => channel).sort((a, b) => sign * (means[a] - means[b]) || a - b);
}

/** Column means of float32 [rows, columns]. */
export function columnMeans(data: Float32Array, columns: number): number[] {
  const sums = new Float64Array(columns);
  for (let i = 0; i < data.length; i++) sums[i % columns] += data[i];
  return Array.from(sums, (sum) => (sum * columns) / data.length);
}

/** Stages: `pruned` (silenced, not trained), `fineTuned` (trained, nothing silenced); repaired: both. */
export async function finePrune(
  subject: DefenseSubject,
  { rate, order, layer, parts, ...tuning }: FinePruningParameters,
  { onProgress, checkStop }: DefenseWatch,
): Promise<DefenseResult> {
  const { runtime, network, trained } = subject;
  const rows = defenderRows(subject, tuning.budget);
  const images = defenderImages(subject, rows);
  const everyOne = Array.from(rows, (_, i) => i);
  const activations = await channelMeans({ runtime, network, state: trained }, layer, images, everyOne);
  const { value: _, logits: __, ...chosen } = layerIn(network, layer);
  const means = columnMeans(activations, chosen.channels);
  const ranked = pruningOrder(means, order);
  const count = Math.round(rate * chosen.channels);
  const keep = new Float32Array(chosen.channels).fill(1);
  for (const channel of ranked.slice(0, count)) keep[channel] = 0;
  const pruned: Classifier = count === 0 ? { network, trained } : { network: silenced(network, layer, keep), trained };
  const cost = { forwardPasses: rows.length, backwardPasses: 0 };
  const alone = parts && count > 0 && tuning.epochs > 0;
  const tune = async (from: Classifier, done: number) => {
    if (tuning.epochs === 0) return { classifier: from, epochLosses: [] };
    const share = alone ? 0.5 : 1;
    const result = await fineTune(subject, from, tuning, {
      checkStop,
      onProgress: (part) => onProgress?.(done + share * part, 'fine-tuning'),
    });
    cost.forwardPasses += result.cost.forwardPasses;
    cost.backwardPasses += result.cost.backwardPasses;
    return result;
  };
  const both = await tune(pruned, 0);
  const fineTuned = alone ? await tune({ network, trained }, 0.5) : undefined;
  // With nothing to prune, or no epoch, a part is another part or what there was before: it is told by its own name all the same.
  const plain = count === 0 ? both.classifier : tuning.epochs === 0 ? { network, trained } : fineTuned?.classifier;
  return {
    metrics: { layer: chosen.name, channels: chosen.channels, prunedChannels: count, defenderImages: rows.length },
    details: {
      layer: chosen,
      means,
      order: ranked,
      pruned: count,
      epochLosses: both.epochLosses,
      ...(fineTuned && { fineTunedEpochLosses: fineTuned.epochLosses }),
    },
    cost,
    repaired: both.classifier,
    stages: [{ name: 'pruned', ...pruned }, ...(plain ? [{ name: 'fineTuned', ...plain }] : [])],
  };
}
