// Images with hidden secrets, made once: kept in the feature store, where all runs and processes find them by their content.
import { messageOf } from '../../core/errors.ts';
import { bytesPerImage, type Image } from '../../core/images.ts';
import { openFeatureStore } from '../../data/feature-cache.ts';
import { keyHash } from '../../data/feature-file.ts';
import type { FeatureStore, FeatureTable } from '../../data/feature-store.ts';
import { engineVersion } from '../../runtime/node.ts';
import type { Codec } from './codec.ts';
import { type SecretMode, secretOf } from './secrets.ts';

/** Raised when the same encoder and secrets begin to give other images. */
const FORMAT = 1;
/** Images that are made before they are written. */
const CHUNK = 4096;
/** Bytes of hidden images that a process holds: they are read once a run. */
const MEMORY = 64e6;

/** Whose secrets are hidden, and which. */
export interface Secrets {
  readonly mode: SecretMode;
  readonly seed: number;
}

/** The store of this process. */
let shared: FeatureStore | undefined;

export class HiddenImages {
  readonly #codec: Codec;
  readonly #secrets: Secrets;
  readonly #store: FeatureStore;
  readonly #table: FeatureTable;
  /** Numbers of a row: the bytes of an image, four to a number. */
  readonly #width: number;

  /** `hash` is that of the codec's parameters. */
  constructor(codec: Codec, hash: string, secrets: Secrets, store?: FeatureStore) {
    shared ??= openFeatureStore('ssba', MEMORY);
    this.#codec = codec;
    this.#secrets = secrets;
    this.#store = store ?? shared;
    const { image, bits } = codec.size;
    this.#width = Math.ceil(bytesPerImage(image) / 4);
    const { mode, seed } = secrets;
    const name = keyHash([FORMAT, engineVersion, this.#store.circumstances, hash, mode, seed].join('\n'), 'hex');
    const boundary = `images with ${mode === 'one' ? 'one secret' : 'secrets of their own'} of ${bits} bits`;
    this.#table = this.#store.table(name, { model: 'ssba', inputSize: image.height, boundary, width: this.#width });
  }

  /** Hides secrets in images in place. */
  async hideIn(images: readonly Image[]): Promise<void> {
    const keys = images.map(({ pixels }) => keyHash(pixels));
    await this.#table.refresh();
    const missing = new Map(keys.flatMap((key, i) => (this.#table.has(key) ? [] : [[key, i] as const])));
    const kept = missing.size === 0 || this.#store.hasRoom(4 * this.#width * missing.size);
    const made = new Map<string, Uint8Array>();
    const wanted = [...missing];
    for (let at = 0; at < wanted.length; at += CHUNK) {
      const some = wanted.slice(at, at + CHUNK);
      const hidden = await this.#hidden(some.map(([, i]) => images[i].pixels));
      some.forEach(([key], i) => {
        made.set(key, hidden[i]);
      });
      if (kept)
        await this.#keep(
          some.map(([key]) => key),
          hidden,
        );
    }
    const found = keys.filter((key) => !made.has(key));
    this.#table.touch(found);
    for (const [i, key] of keys.entries()) images[i].pixels.set(made.get(key) ?? (await this.#read(key, images[i])));
  }

  async #hidden(pixels: readonly Uint8Array[]): Promise<Uint8Array[]> {
    const bytes = bytesPerImage(this.#codec.size.image);
    const { mode, seed } = this.#secrets;
    const secrets = Buffer.concat(pixels.map((own) => secretOf(mode, this.#codec.size.bits, seed, own)));
    const hidden = await this.#codec.hide(Buffer.concat(pixels), secrets);
    return pixels.map((_, i) => hidden.subarray(i * bytes, (i + 1) * bytes));
  }

  async #keep(keys: readonly string[], hidden: readonly Uint8Array[]): Promise<void> {
    const bytes = new Uint8Array(4 * this.#width * hidden.length);
    hidden.forEach((image, i) => {
      bytes.set(image, 4 * this.#width * i);
    });
    try {
      await this.#table.add({ keys, data: new Float32Array(bytes.buffer) });
    } catch (error) {
      this.#store.warn(`images with hidden secrets are not kept: ${messageOf(error)}`);
    }
  }

  /** A kept image; what was deleted or damaged since is made again. */
  async #read(key: string, { pixels }: Image): Promise<Uint8Array> {
    const row = new Float32Array(this.#width);
    if (!this.#table.read(key, row)) return (await this.#hidden([pixels]))[0];
    return new Uint8Array(row.buffer, 0, pixels.length);
  }
}
