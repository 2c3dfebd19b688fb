// Which neurons lift a class when they are stimulated, from the logits that each stimulation gave.

/** Activations tried, as multiples of the layer's largest: i · 8 / 5 for i = 0 … 4. The first is the neuron silenced. */
export const LEVELS: readonly number[] = [0, 1, 2, 3, 4].map((i) => (8 * i) / 5);

/** Images that need not agree on the class that is lifted. */
const DISSENTERS = 2;

export interface Lift {
  /** The class that the neuron lifts. */
  readonly class: number;
  /** The least, over the images that agree, of what its logit rises by beyond that of the second class. */
  readonly elevation: number;
  /** Images that agree. */
  readonly agreeing: number;
}

export interface Candidate extends Lift {
  /** Place of its layer in the network, from 0. */
  readonly layer: number;
  readonly channel: number;
}

/**
 * What a neuron lifts: per image the class whose logit rises the most above its value at the first level, by how much more than that of
 * the second, at the level where that is most. Undefined where more than two images disagree, or nothing is lifted.
 * @param logits [images, levels, classes]
 */
export function liftOf(logits: Float32Array, images: number, classes: number): Lift | undefined {
  const levels = logits.length / (images * classes);
  const votes = Array.from({ length: images }, (_, i) => {
    const at = (level: number, k: number) => logits[(i * levels + level) * classes + k];
    let best = { class: -1, gap: Number.NEGATIVE_INFINITY };
    for (let level = 1; level < levels; level++) {
      let [top, second] = [{ class: -1, rise: Number.NEGATIVE_INFINITY }, Number.NEGATIVE_INFINITY];
      for (let k = 0; k < classes; k++) {
        const rise = at(level, k) - at(0, k);
        if (rise > top.rise) {
          second = top.rise;
          top = { class: k, rise };
        } else second = Math.max(second, rise);
      }
      if (top.rise - second > best.gap) best = { class: top.class, gap: top.rise - second };
    }
    return best;
  });
  const counts = new Map<number, number>();
  for (const vote of votes) counts.set(vote.class, (counts.get(vote.class) ?? 0) + 1);
  const [[lifted, agreeing]] = [...counts].sort(([a, n], [b, m]) => m - n || a - b);
  if (agreeing < images - DISSENTERS) return undefined;
  const elevation = Math.min(...votes.filter((vote) => vote.class === lifted).map(({ gap }) => gap));
  return elevation > 0 ? { class: lifted, elevation, agreeing } : undefined;
}

/** The candidates of the largest elevation; of layers in the first half of `layers` at most `perLayer` each. */
export function strongest(found: readonly Candidate[], wanted: number, perLayer: number, layers: number): Candidate[] {
  const taken = new Map<number, number>();
  const sorted = [...found].sort((a, b) => b.elevation - a.elevation || a.layer - b.layer || a.channel - b.channel);
  const kept = sorted.filter(({ layer }) => {
    const before = taken.get(layer) ?? 0;
    taken.set(layer, before + 1);
    return layer >= layers / 2 || before < perLayer;
  });
  return kept.slice(0, wanted);
}
