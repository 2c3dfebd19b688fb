// The cards of shipped weights: what they are, where they come from, and the hash that names them.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface WeightsCard {
  readonly model: string;
  /** File name beside the card. */
  readonly file: string;
  readonly sha256: string;
  /** Input side in pixels and number of classes the weights were trained for. */
  readonly inputSize: number;
  readonly classes: number;
  /** The images they were trained on. */
  readonly data: string;
  /** The command that made them, and with which seed. */
  readonly command: string;
  readonly seed: number;
  readonly epochs: number;
  /** Share of held-out images classified right, top 1 and top 5. */
  readonly accuracy: { readonly top1: number; readonly top5: number; readonly images: number };
  readonly seconds: number;
}

/** The folder of shipped weights, beside the compiled program as beside the sources. */
export const weightsDirectory: string = fileURLToPath(new URL('../../../weights/', import.meta.url));

const cards = new Map<string, WeightsCard | undefined>();

/** The card of a model's shipped weights; undefined when none are shipped. */
export function weightsCard(model: string): WeightsCard | undefined {
  if (!cards.has(model)) {
    const path = `${weightsDirectory}${model}.json`;
    cards.set(model, existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as WeightsCard) : undefined);
  }
  return cards.get(model);
}
