// Seeded random streams: every use of chance names its own stream, so that adding one never shifts another.
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { sha256Bytes } from './hash.ts';

/** A deterministic random stream (xoroshiro128+), mutable, identified by a seed and a path of labels. */
export class Rng {
  readonly #generator: RandomGenerator;
  readonly #path: string;
  #spare: number | undefined;

  private constructor(path: string) {
    const digest = new DataView(sha256Bytes(path).buffer);
    this.#path = path;
    this.#generator = xoroshiro128plusFromState([0, 4, 8, 12].map((at) => digest.getInt32(at) | (at === 0 ? 1 : 0)));
  }

  /** The stream of a seed and labels, such as `Rng.of(7, 'poison')`. Equal arguments give equal streams. */
  static of(seed: number, ...labels: (string | number)[]): Rng {
    return new Rng(JSON.stringify([seed, ...labels]));
  }

  /** An independent stream below this one. Does not advance this stream. */
  fork(...labels: (string | number)[]): Rng {
    return new Rng(`${this.#path}/${JSON.stringify(labels)}`);
  }

  /** A whole number in [low, high], both included. */
  int(low: number, high: number): number {
    return uniformInt(this.#generator, low, high);
  }

  /** A number in [0, 1) with 53 random bits. */
  uniform(): number {
    return uniformFloat64(this.#generator);
  }

  /** A standard normal number (Box-Muller). */
  normal(): number {
    if (this.#spare !== undefined) {
      const value = this.#spare;
      this.#spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.#spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** 32 random bits as a signed integer: the fast path for long masks. */
  bits(): number {
    return this.#generator.next();
  }

  /** A random permutation of 0 … count-1 (Fisher-Yates). */
  permutation(count: number): Int32Array {
    const order = Int32Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const j = this.int(0, i);
      const held = order[i];
      order[i] = order[j];
      order[j] = held;
    }
    return order;
  }
}
