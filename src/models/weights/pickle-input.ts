// Bounded reading of a pickle's bytes: every length is checked before anything is allocated.

/** What is wrong with a pickle; callers turn it into a message with the file's name. */
export class PickleError extends Error {}

const MAX_LINE = 4096;
const MAX_INTEGER_BYTES = 255;
const utf8 = new TextDecoder('utf-8', { fatal: true });

export class PickleInput {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  position: number;

  constructor(bytes: Uint8Array, position: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = position;
  }

  /** The next `length` bytes, not copied. @throws PickleError when there are fewer. */
  take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.position) throw new PickleError('it ends too early');
    this.position += length;
    return this.#bytes.subarray(this.position - length, this.position);
  }

  uint8(): number {
    return this.take(1)[0];
  }

  uint16(): number {
    this.take(2);
    return this.#view.getUint16(this.position - 2, true);
  }

  int32(): number {
    this.take(4);
    return this.#view.getInt32(this.position - 4, true);
  }

  uint32(): number {
    return this.int32() >>> 0;
  }

  /** A length of eight bytes; anything beyond the file is refused by `take`. */
  uint64(): number {
    this.take(8);
    return Number(this.#view.getBigUint64(this.position - 8, true));
  }

  /** Big-endian, as pickles write floats. */
  float64(): number {
    this.take(8);
    return this.#view.getFloat64(this.position - 8, false);
  }

  /** Text of so many bytes of UTF-8. */
  text(length: number): string {
    try {
      return utf8.decode(this.take(length));
    } catch (error) {
      if (error instanceof PickleError) throw error;
      throw new PickleError('a text in it is not UTF-8');
    }
  }

  /** Text up to a line break, which is read over. */
  line(): string {
    const end = this.#bytes.indexOf(10, this.position);
    if (end < 0 || end - this.position > MAX_LINE) throw new PickleError('a line in it has no end');
    const text = this.text(end - this.position);
    this.position++;
    return text;
  }

  /** A little-endian integer in two's complement of so many bytes. */
  integer(length: number): number | bigint {
    if (length > MAX_INTEGER_BYTES) throw new PickleError(`an integer in it has ${length} bytes`);
    const digits = Buffer.from(this.take(length)).reverse().toString('hex');
    return plainInteger(BigInt.asIntN(8 * length, BigInt(`0x0${digits}`)));
  }

  /** A decimal integer on a line, perhaps with Python 2's `L` behind it. */
  decimal(): number | bigint {
    const text = this.line().replace(/L$/, '');
    if (!/^-?\d{1,600}$/.test(text)) throw new PickleError('a number in it cannot be read');
    return plainInteger(BigInt(text));
  }
}

/** A number where that is exact. */
function plainInteger(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
