// What an audit has found so far, kept in the cache directory: the same audit called again goes on from there with the same bits.
import { utimesSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf } from '../core/errors.ts';
import { makeDirectory, removeAbandoned, writeFileAtomic } from '../core/files.ts';
import { canonicalJson, sha256Hex } from '../core/hash.ts';
import { type Tensor, tensor } from '../core/tensor.ts';
import { processor } from '../data/feature-cache.ts';
import type { Lane } from '../defenses/neural-cleanse/reverse-triggers.ts';
import type { CleanseSettings } from '../defenses/neural-cleanse/settings.ts';
import { decodeSafetensors, encodeSafetensors } from '../models/weights/safetensors.ts';
import { engineVersion } from '../runtime/node.ts';
import { NUMERICS_VERSION } from '../spec/identity.ts';
import { auditDirectory, keptAudits } from './audit-directory.ts';

/** What decides the bits of an audit. Images are told apart by where they are, and checked by their SHA-256 when they have been read. */
export interface AuditIdentity {
  /** `weightsHash` of the model: its file, external data, pixels and channels. */
  readonly model: string;
  readonly inputSize: number;
  /** Where they are: a path, or the name of a dataset. */
  readonly images: { readonly path: string } | { readonly dataset: string };
  readonly limit: number;
  readonly settings: CleanseSettings;
  readonly seed: number;
}

const numbers = z.array(z.number()).length(3);
const shares = z.number().min(0).max(1);

const knownSchema = z.object({
  /** `cut`: there was no time to read more. */
  images: z.object({ count: z.int().min(1), sha256: z.string(), cut: z.boolean() }),
  /** `ChosenPixels` */
  pixels: z.object({
    normalization: z.object({ mean: numbers, std: numbers }),
    normalizationFrom: z.enum(['given', 'sidecar', 'export', 'inside', 'guess', 'accuracy']),
  }),
  /** `Watching`, where it was complete. */
  watching: z
    .object({
      behaviour: z.object({
        accuracy: shares.optional(),
        ...{ labelled: z.int().min(0), images: z.int().min(1), commonest: shares, answers: z.int().min(1) },
      }),
      complete: z.literal(true),
      perImage: z.number().min(0),
    })
    .optional(),
});

/** What is known beside the lanes. */
export type AuditKnown = z.infer<typeof knownSchema>;

const laneSchema = z.object({
  class: z.int().min(0),
  restart: z.int().min(0),
  steps: z.int().min(1),
  done: z.boolean(),
  lambda: z.object({
    lambda: z.number(),
    ...{ waiting: z.int(), successes: z.int(), failures: z.int(), raised: z.boolean(), lowered: z.boolean() },
    // Infinity is null in JSON.
    best: z.number().nullable(),
    idle: z.int(),
  }),
  found: z.object({ norm: z.number(), success: z.number(), step: z.int() }).optional(),
});

const STATE = 'state.json';
const SUFFIX = '.safetensors';
/** What all audits may keep; the one unused for longest goes first, and none of the last hour. */
const MOST_BYTES = 2e9;
const RECENT_MS = 3_600_000;
/** Between two times of writing: at least so many seconds, and so many times as long as the last one took. */
const LEAST_SECONDS = 15;
const SPARSE = 30;

export class AuditState {
  readonly directory: string;
  readonly #warn: (message: string) => void;
  readonly #written = new Map<string, number>();
  #last = Number.NEGATIVE_INFINITY;
  #pause = LEAST_SECONDS;
  #failed = false;

  /** @param warn told of what cannot be read or written: the audit goes on without it */
  constructor(identity: AuditIdentity, warn: (message: string) => void) {
    const circumstances = { format: 1, numerics: NUMERICS_VERSION, engine: engineVersion, processor: processor() };
    this.directory = join(auditDirectory(), sha256Hex(canonicalJson({ ...circumstances, ...identity })).slice(0, 40));
    this.#warn = warn;
  }

  /** Forgets everything. */
  async clear(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
    this.#written.clear();
  }

  /** What an earlier call found out; undefined when there was none. */
  async known(): Promise<AuditKnown | undefined> {
    const text = await readFile(join(this.directory, STATE), 'utf8').catch(() => undefined);
    if (text === undefined) return undefined;
    try {
      return knownSchema.parse(JSON.parse(text));
    } catch (error) {
      this.#warn(`what an earlier audit kept in ${this.directory} cannot be used: ${messageOf(error)}`);
      await this.clear();
      return undefined;
    }
  }

  async keep(known: AuditKnown): Promise<void> {
    await this.#write(STATE, JSON.stringify(known));
  }

  /** The lanes with what was kept of them; those that were not begun as they are. */
  async resumed(lanes: readonly Lane[], side: number): Promise<Lane[]> {
    removeAbandoned(this.directory);
    return Promise.all(
      lanes.map(async (lane) => {
        const path = join(this.directory, fileOf(lane));
        const bytes = await readFile(path).catch(() => undefined);
        if (bytes === undefined) return lane;
        try {
          const kept = decodeLane(bytes, path, side);
          if (kept.class !== lane.class || kept.restart !== lane.restart) throw new Error('it is of another class');
          this.#written.set(fileOf(kept), kept.steps);
          return kept;
        } catch (error) {
          this.#warn(`${path} cannot be used, its class is searched anew: ${messageOf(error)}`);
          return lane;
        }
      }),
    );
  }

  /** Writes the lanes that have gone on since they were written, now and then or, with `now`, at once. */
  async save(lanes: readonly Lane[], now = false): Promise<void> {
    const began = performance.now();
    if (!now && began - this.#last < 1000 * this.#pause) return;
    for (const lane of lanes) {
      const name = fileOf(lane);
      if (lane.steps === (this.#written.get(name) ?? 0)) continue;
      if (await this.#write(name, encodeLane(lane))) this.#written.set(name, lane.steps);
    }
    this.#last = performance.now();
    this.#pause = Math.max(LEAST_SECONDS, (SPARSE * (this.#last - began)) / 1000);
  }

  async #write(name: string, content: Uint8Array | string): Promise<boolean> {
    try {
      makeDirectory(this.directory);
      await writeFileAtomic(join(this.directory, name), content);
      return true;
    } catch (error) {
      if (!this.#failed) this.#warn(`what was found cannot be kept for another call: ${messageOf(error)}`);
      this.#failed = true;
      return false;
    }
  }

  /** Marks this audit as used, and removes those unused for longest where all take too much room. */
  async makeRoom(): Promise<void> {
    const now = Date.now();
    const kept = keptAudits();
    let bytes = kept.reduce((sum, one) => sum + one.bytes, 0);
    for (const one of kept.sort((a, b) => a.used - b.used)) {
      if (one.path === this.directory) utimesSync(join(one.path, STATE), now / 1000, now / 1000);
      else if (bytes > MOST_BYTES && now - one.used > RECENT_MS) {
        await rm(one.path, { recursive: true, force: true });
        bytes -= one.bytes;
      }
    }
  }
}

const fileOf = ({ class: of, restart }: Lane) => `class-${of}-${restart}${SUFFIX}`;

function encodeLane({ class: of, restart, theta, m, v, lambda, steps, done, found }: Lane): Uint8Array {
  const flat = (data: Float32Array): Tensor => tensor('float32', [data.length], data);
  const { planes, ...figures } = found ?? {};
  const lane = { class: of, restart, steps, done, lambda, ...(found && { found: figures }) };
  const tensors: Record<string, Tensor> = done ? {} : { theta: flat(theta), m: flat(m), v: flat(v) };
  if (planes) tensors.planes = flat(planes);
  return encodeSafetensors(tensors, { lane: JSON.stringify(lane) });
}

function decodeLane(bytes: Uint8Array, path: string, side: number): Lane {
  const { tensors, metadata } = decodeSafetensors(bytes, path);
  const { lambda, found, ...lane } = laneSchema.parse(JSON.parse(metadata.lane ?? ''));
  const planes = (name: string): Float32Array => {
    const { dtype, data } = tensors[name] ?? {};
    if (dtype !== 'float32' || data?.length !== 4 * side * side) throw new Error(`it has no "${name}"`);
    return data as Float32Array;
  };
  const moving = (name: string) => (lane.done ? new Float32Array() : planes(name));
  return {
    ...lane,
    ...{ theta: moving('theta'), m: moving('m'), v: moving('v') },
    lambda: { ...lambda, best: lambda.best ?? Number.POSITIVE_INFINITY },
    found: found && { ...found, planes: planes('planes') },
  };
}
