// Seeded random streams: every use of chance names its own stream, so that adding one never shifts another.
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { sha256Bytes } from './hash.ts';

/** A deterministic random stream (xoroshiro128+), mutable, identified by a seed and a path of labels. */
export class Rng {
  #generator: RandomGenerator;
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

  /** 32 random bits as a signed integer. */
  bits(): number {
    return this.#generator.next();
  }

  /**
   * Fills `out` with 0 where the next `bits`, unsigned, are below `rate` · 2³², else with 1; `rate` in [0, 1). The generator's step is
   * written out and nothing branches: masks are long, and half of the time would go into calls and wrong guesses.
   */
  keep(out: Uint8Array, rate: number): void {
    const threshold = Math.min(Math.ceil(rate * 2 ** 32), 2 ** 32 - 1) | 0;
    let [s01, s00, s11, s10] = Int32Array.from(this.#generator.getState());
    for (let i = 0; i < out.length; i++) {
      const drawn = (s00 + s10) | 0;
      // The borrow of an unsigned subtraction.
      out[i] = (((~drawn & threshold) | ((~drawn | threshold) & (drawn - threshold))) >>> 31) ^ 1;
      const a0 = s10 ^ s00;
      const a1 = s11 ^ s01;
      const high = s01;
      s01 = (s01 << 24) ^ (s00 >>> 8) ^ a1 ^ ((a1 << 16) | (a0 >>> 16));
      s00 = (s00 << 24) ^ (high >>> 8) ^ a0 ^ (a0 << 16);
      s10 = (a1 << 5) ^ (a0 >>> 27);
      s11 = (a0 << 5) ^ (a1 >>> 27);
    }
    this.#generator = xoroshiro128plusFromState([s01, s00, s11, s10]);
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
