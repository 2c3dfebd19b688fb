// Trained encoders with their decoders in the cache directory, under the keys of their settings.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDirectory } from '../../core/cache-directory.ts';
import { inputError, messageOf } from '../../core/errors.ts';
import { writeFileAtomic } from '../../core/files.ts';
import { sizeOf } from '../../core/tensor.ts';
import { type StegastampSize, stegastampParameters } from '../../models/stegastamp.ts';
import { bytesOf, decodeSafetensors, encodeSafetensors } from '../../models/weights/safetensors.ts';
import type { CodecParameters } from './codec.ts';

/** What is noted with an encoder, for people. */
export interface EncoderCard {
  readonly dataset: string;
  readonly side: number;
  readonly bits: number;
  readonly width: number;
  readonly schedule: string;
  readonly seed: number;
  readonly steps: number;
  readonly seconds: number;
  /** On training images that were held out of the training. */
  readonly bitAccuracy: number;
  readonly psnr: number;
}

export interface StoredEncoder {
  readonly parameters: CodecParameters;
  readonly card: EncoderCard;
  /** Of the parameters: 64 hexadecimal digits. */
  readonly hash: string;
}

/** The folder of all encoders. */
export function encoderDirectory(): string {
  return join(cacheDirectory(), 'ssba');
}

export function encoderPath(key: string): string {
  return join(encoderDirectory(), `${key}.safetensors`);
}

/** Where an encoder's training notes its state. */
export function checkpointPath(key: string): string {
  return join(encoderDirectory(), `${key}.checkpoint`);
}

export async function writeEncoder(key: string, parameters: CodecParameters, card: EncoderCard): Promise<void> {
  await writeFileAtomic(encoderPath(key), encodeSafetensors(parameters, { key, card: JSON.stringify(card) }));
}

/**
 * The encoder of a key; undefined when there is none.
 * @throws TriggerlabError (input) when its file is not what was written: cut off, of other sizes, with numbers that are not finite.
 */
export function readEncoder(key: string, size: StegastampSize): StoredEncoder | undefined {
  const path = encoderPath(key);
  if (!existsSync(path)) return undefined;
  try {
    const expected = stegastampParameters(size);
    const most = expected.reduce((sum, { shape }) => sum + 4 * sizeOf(shape), 0) + 1e6;
    if (statSync(path).size > most) throw new Error('it is too large');
    const { tensors, metadata } = decodeSafetensors(readFileSync(path), path);
    if (metadata.key !== key) throw new Error('it belongs to other settings');
    const hash = createHash('sha256');
    for (const { name, shape } of expected) {
      const found = tensors[name];
      if (found?.dtype !== 'float32' || String(found.shape) !== String(shape)) {
        throw new Error(`"${name}" is not a float32 tensor of shape [${shape}]`);
      }
      if (!(found.data as Float32Array).every(Number.isFinite)) throw new Error(`"${name}" is not finite`);
      hash.update(bytesOf(found));
    }
    return { parameters: tensors, card: JSON.parse(metadata.card) as EncoderCard, hash: hash.digest('hex') };
  } catch (error) {
    throw inputError(`the SSBA encoder ${path} is damaged: ${messageOf(error)}`, {
      hint: 'Remove it and train it again: triggerlab ssba train --help',
    });
  }
}

/** Keys and cards of all encoders; files that cannot be read have no card. */
export function storedEncoders(): { readonly key: string; readonly bytes: number; readonly card?: EncoderCard }[] {
  const directory = encoderDirectory();
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => /^[0-9a-f]{20}\.safetensors$/.test(name))
    .sort()
    .map((name) => {
      const path = join(directory, name);
      const key = name.slice(0, 20);
      const bytes = statSync(path).size;
      try {
        const { metadata } = decodeSafetensors(readFileSync(path), path);
        return { key, bytes, card: JSON.parse(metadata.card) as EncoderCard };
      } catch {
        return { key, bytes };
      }
    });
}
