// Which bits are hidden in an image.
import { sha256Hex } from '../../core/hash.ts';
import { Rng } from '../../core/rng.ts';

/** `one`: all images hide the same secret. `per-image`: each hides its own, which its pixels decide. */
export type SecretMode = 'one' | 'per-image';

/** The secret of an image: `bits` values, 0 or 1. */
export function secretOf(mode: SecretMode, bits: number, seed: number, pixels: Uint8Array): Uint8Array {
  const rng = mode === 'one' ? Rng.of(seed, 'ssba-secret') : Rng.of(seed, 'ssba-secret', sha256Hex(pixels));
  return randomBits(bits, rng);
}

/** Bits of a stream, 0 or 1 each. */
export function randomBits(count: number, rng: Rng): Uint8Array {
  return Uint8Array.from({ length: count }, () => rng.int(0, 1));
}
