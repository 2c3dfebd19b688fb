// Numbers of 16 bits, as files store them.

/** The value of 16 bits in IEEE half precision (1 sign, 5 exponent, 10 fraction bits). */
export function float16Value(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const word = new Uint32Array(1);
const value = new Float32Array(word.buffer);

/** The value of 16 bits of bfloat16: the upper half of a float32. */
export function bfloat16Value(bits: number): number {
  word[0] = bits << 16;
  return value[0];
}
