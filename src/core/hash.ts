// Content hashes that come out the same in Node and in a browser.
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

/** Node's own, which is several times as fast; undefined in a browser. */
const native = globalThis.process?.getBuiltinModule?.('node:crypto');

/** SHA-256 of bytes, or of a string's UTF-8, as 64 hexadecimal digits. */
export function sha256Hex(data: Uint8Array | string): string {
  if (native) return native.hash('sha256', data, 'hex');
  return portableSha256Hex(data);
}

/** The same without anything of Node. */
export function portableSha256Hex(data: Uint8Array | string): string {
  return bytesToHex(sha256(typeof data === 'string' ? utf8ToBytes(data) : data));
}

/** SHA-256 of bytes that come piece by piece. */
export function sha256Pieces(): { update(piece: Uint8Array): unknown; digest(): Uint8Array } {
  return native ? native.createHash('sha256') : sha256.create();
}

/** SHA-256 of bytes or of a string's UTF-8: 32 bytes. */
export function sha256Bytes(data: Uint8Array | string): Uint8Array {
  return sha256(typeof data === 'string' ? utf8ToBytes(data) : data);
}

/** Sorting is the dearest part of it, and most objects are written in order. */
function sortedKeys(value: object): string[] {
  const keys = Object.keys(value);
  for (let i = 1; i < keys.length; i++) if (keys[i] < keys[i - 1]) return keys.sort();
  return keys;
}

/** Canonical JSON that is there already: stands for its value inside another one. */
export class JsonText {
  readonly text: string;

  constructor(value: unknown) {
    this.text = canonicalJson(value);
  }
}

/**
 * JSON with object keys sorted at every depth and `undefined` members left out, so that equal values give equal text.
 * @throws TypeError for what JSON cannot say: functions, NaN, infinities.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`canonicalJson: ${value} is not JSON`);
    return String(value);
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value instanceof JsonText) return value.text;
  if (value !== null && typeof value === 'object') {
    // Plans call this several times for each of up to 100,000 runs.
    let members = '';
    for (const key of sortedKeys(value)) {
      const member = (value as Record<string, unknown>)[key];
      if (member === undefined) continue;
      members += `${members === '' ? '' : ','}${JSON.stringify(key)}:${canonicalJson(member)}`;
    }
    return `{${members}}`;
  }
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`canonicalJson: ${typeof value} is not JSON`);
  return text;
}
