// Small networks for 8-pixel images, which tests train in a second.
import { Rng } from '../../core/rng.ts';
import { type ImageSource, memorySource } from '../../data/dataset.ts';
import { ssbaSchedules } from '../../triggers/ssba/schedules.ts';
import type { SsbaSettings } from '../../triggers/ssba/settings.ts';

/** Smooth colour images. */
export function tinyImages(count: number, side = 8): ImageSource {
  const shape = { height: side, width: side, channels: 3 } as const;
  const rng = Rng.of(1, 'tiny images');
  const pixels = Array.from({ length: count }, () => {
    const [phase, slope] = [6 * rng.uniform(), rng.uniform()];
    return Array.from({ length: side * side * 3 }, (_, i) => 128 + 80 * Math.sin(phase + (slope * i) / side));
  });
  return memorySource(shape, Uint8Array.from(pixels.flat()), new Uint16Array(count));
}

/** Settings with a few changes. */
export function tinySettings({ schedule, ...changes }: Partial<SsbaSettings> = {}): SsbaSettings {
  return {
    datasetFingerprint: 'tiny',
    size: { image: { height: 8, width: 8, channels: 3 }, bits: 4, width: 4, decoderWidth: 4 },
    schedule: { ...ssbaSchedules.get('fast'), batchSize: 8, steps: 6, ...schedule },
    seed: 0,
    ...changes,
  };
}
