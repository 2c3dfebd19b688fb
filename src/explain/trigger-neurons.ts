// Which channels of a layer answer to the trigger, and what is left of the backdoor when they are silenced.
import type { ImageSource } from '../data/dataset.ts';
import { channelMeans, openPrunable, type Trained } from './layer-graphs.ts';

export interface TriggerNeuron {
  readonly channel: number;
  /** Mean activation over space and images without and with the trigger. */
  readonly clean: number;
  readonly triggered: number;
  /** (triggered − clean) over the standard deviation of the clean images' means; 0 for a channel that never changes. */
  readonly effect: number;
}

/** A deviation below this counts as none. */
const TINY = 1e-12;

/** The channels of a layer in the order of how much more active they are with the trigger than without. */
export async function triggerNeurons(
  trained: Trained,
  layer: string | undefined,
  clean: ImageSource,
  triggered: ImageSource,
  rows: readonly number[],
): Promise<TriggerNeuron[]> {
  const before = await channelMeans(trained, layer, clean, rows);
  const after = await channelMeans(trained, layer, triggered, rows);
  return rankedChannels(before, after, rows.length);
}

/** The ranking from means [images, channels] without and with the trigger; the first of equals comes first. */
export function rankedChannels(before: Float32Array, after: Float32Array, images: number): TriggerNeuron[] {
  const channels = before.length / images;
  const neurons = Array.from({ length: channels }, (_, channel): TriggerNeuron => {
    const of = (means: Float32Array) => Array.from({ length: images }, (_image, i) => means[i * channels + channel]);
    const own = of(before);
    const [clean, triggered] = [meanOf(own), meanOf(of(after))];
    const deviation = Math.sqrt(meanOf(own.map((value) => (value - clean) ** 2)));
    const difference = triggered - clean;
    return {
      channel,
      clean,
      triggered,
      effect: Math.abs(difference) < TINY ? 0 : difference / Math.max(deviation, TINY),
    };
  });
  return neurons.sort((a, b) => b.effect - a.effect || a.channel - b.channel);
}

export interface PrunedFigures {
  /** Channels silenced. */
  readonly pruned: number;
  readonly cleanAccuracy: number;
  readonly asr: number;
}

export interface PruningInput {
  readonly trained: Trained;
  readonly layer: string | undefined;
  /** Channels in the order in which they are silenced. */
  readonly order: readonly number[];
  readonly counts: readonly number[];
  readonly clean: ImageSource;
  readonly triggered: ImageSource;
  /** Rows for clean accuracy, and those that ASR is measured on. */
  readonly rows: readonly number[];
  readonly attackedRows: readonly number[];
  /** The class that the attack wants of a row. */
  readonly targetOf: (row: number) => number;
  readonly onProgress?: (share: number) => void;
}

/** Clean accuracy and ASR with the first channels of an order silenced, for each of `counts`. */
export async function pruneInOrder(input: PruningInput): Promise<PrunedFigures[]> {
  const { trained, layer, order, counts, clean, triggered, rows, attackedRows, targetOf, onProgress } = input;
  const prunable = openPrunable(trained, layer);
  const figures: PrunedFigures[] = [];
  for (const pruned of counts) {
    const keep = new Float32Array(order.length).fill(1);
    for (const channel of order.slice(0, pruned)) keep[channel] = 0;
    const right = await prunable.predict(keep, clean, rows);
    const fooled = await prunable.predict(keep, triggered, attackedRows);
    figures.push({
      pruned,
      cleanAccuracy: meanOf(rows.map((row, i) => (right[i] === clean.labels[row] ? 1 : 0))),
      asr: meanOf(attackedRows.map((row, i) => (fooled[i] === targetOf(row) ? 1 : 0))),
    });
    onProgress?.(figures.length / counts.length);
  }
  return figures;
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
