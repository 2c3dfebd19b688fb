// What was measured of this machine: seconds of each kind of work for some networks, kept in the cache directory.
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { cacheDirectory } from '../../core/cache-directory.ts';
import { writeFileAtomic } from '../../core/files.ts';
import { packageVersion } from '../../core/version.ts';

/** Processor seconds for one image, and the multiply-adds of an image that they were measured with. */
const rate = z.object({ seconds: z.number().positive(), multiplyAdds: z.number().nonnegative() });

const measurement = z.object({
  model: z.string(),
  freeze: z.string(),
  inputSize: z.int().positive(),
  batch: z.int().positive(),
  threads: z.int().positive(),
  /** Of the frozen part; absent where none is kept. */
  features: rate.optional(),
  step: rate,
  evaluation: rate,
});

const calibrationFile = z.object({
  schemaVersion: z.literal(1),
  machine: z.object({ name: z.string(), cpu: z.string(), cores: z.int().positive() }),
  triggerlab: z.string(),
  engine: z.string(),
  measuredAt: z.iso.datetime(),
  measurements: z.array(measurement).min(1),
});

export type Rate = z.infer<typeof rate>;
export type Measurement = z.infer<typeof measurement>;
export type Calibration = z.infer<typeof calibrationFile>;

/** The kinds of work that a run consists of. */
export type WorkKind = 'features' | 'step' | 'evaluation';

export function calibrationPath(): string {
  return join(cacheDirectory(), 'calibration.json');
}

/** This machine, as calibrations know it. */
export function thisMachine(): Calibration['machine'] {
  return { name: hostname(), cpu: cpus()[0]?.model.trim() ?? 'unknown', cores: availableParallelism() };
}

/** The calibration of this machine with this version of the program; undefined where there is none, or the file is damaged. */
export function readCalibration(): Calibration | undefined {
  try {
    const found = calibrationFile.parse(JSON.parse(readFileSync(calibrationPath(), 'utf8')));
    const { cpu, cores } = thisMachine();
    const here = found.machine.cpu === cpu && found.machine.cores === cores && found.triggerlab === packageVersion;
    return here ? found : undefined;
  } catch {
    return undefined;
  }
}

/** Adds measurements to what is known of this machine, new ones in place of old ones of the same network; answers where. */
export async function keepMeasurements(measurements: readonly Measurement[], engine: string): Promise<string> {
  const before = readCalibration();
  const kept = before?.engine === engine ? before.measurements : [];
  const key = ({ model, freeze, inputSize, batch, threads }: Measurement) =>
    [model, freeze, inputSize, batch, threads].join(' ');
  const all = new Map([...kept, ...measurements].map((one) => [key(one), one]));
  const file: Calibration = {
    schemaVersion: 1,
    machine: thisMachine(),
    triggerlab: packageVersion,
    engine,
    measuredAt: new Date().toISOString(),
    measurements: [...all.values()],
  };
  await writeFileAtomic(calibrationPath(), `${JSON.stringify(file, null, 2)}\n`);
  return calibrationPath();
}

/** A network at work, as far as its speed goes. */
export interface WorkedNetwork {
  readonly model: string;
  readonly freeze: string;
  readonly inputSize: number;
  readonly batch: number;
  readonly threads: number;
}

export interface PredictedSeconds {
  /** Processor seconds for one image. */
  readonly seconds: number;
  /** Whether this very network was measured, rather than one like it. */
  readonly measured: boolean;
}

/**
 * How long one image takes: as measured for the network, else for the one most like it, by multiply-adds, but never less than
 * anything that was measured.
 */
export function secondsPerImage(
  { measurements }: Calibration,
  kind: WorkKind,
  network: WorkedNetwork,
  multiplyAdds: number,
): PredictedSeconds {
  const having = measurements.flatMap((one) => {
    const found = one[kind];
    return found ? [{ one, rate: found }] : [];
  });
  // The frozen part goes about as fast as a network is evaluated that has none.
  const whole = measurements.filter(({ features }) => !features).map((one) => ({ one, rate: one.evaluation }));
  const candidates =
    having.length > 0 ? having : whole.length > 0 ? whole : measurements.map((one) => ({ one, rate: one.step }));
  const byLikeness = candidates
    .map((candidate) => ({ ...candidate, distance: distance(candidate.one, candidate.rate, network, multiplyAdds) }))
    .sort((a, b) => a.distance - b.distance);
  const { one, rate: nearest } = byLikeness[0];
  const same = one.model === network.model && one.freeze === network.freeze && one.inputSize === network.inputSize;
  const scaled = nearest.multiplyAdds === 0 ? nearest.seconds : (nearest.seconds * multiplyAdds) / nearest.multiplyAdds;
  const least = Math.min(...candidates.map(({ rate: { seconds } }) => seconds));
  return { seconds: Math.max(scaled, least), measured: same && having.length > 0 };
}

/** What makes one network's speed tell of another's: the model most, then the policy, the threads, the size. */
function distance(one: Measurement, { multiplyAdds }: Rate, wanted: WorkedNetwork, needed: number): number {
  const differ = (a: unknown, b: unknown, cost: number) => (a === b ? 0 : cost);
  const ratio = Math.abs(Math.log((1 + needed) / (1 + multiplyAdds)));
  return (
    differ(one.model, wanted.model, 100) +
    differ(one.freeze, wanted.freeze, 50) +
    differ(one.threads, wanted.threads, 20) +
    differ(one.inputSize, wanted.inputSize, 10) +
    Math.min(9, ratio) +
    Math.min(1, Math.abs(Math.log(wanted.batch / one.batch)))
  );
}
