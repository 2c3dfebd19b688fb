// Progress of the training of SSBA's encoder, for every command that may have to train one.
import { formatPercent } from '../core/format.ts';
import type { EnsureOptions } from '../train/ssba/ensure.ts';
import { Progress } from './progress.ts';

/** What `ensureEncoder` tells of, on stderr. */
export function encoderProgress(): Required<Pick<EnsureOptions, 'onNote' | 'onStep' | 'onCheck' | 'onEnd'>> {
  const progress = new Progress();
  return {
    onNote: (text) => progress.note(text),
    onStep: (share, step, accuracy) =>
      progress.update(share, `training SSBA's encoder, step ${step}, ${formatPercent(accuracy)} of the bits right`),
    onCheck: ({ step, bitAccuracy, psnr, imageWeight }) =>
      progress.note(
        `step ${step}: ${formatPercent(bitAccuracy)} of held-out bits right, PSNR ${psnr.toFixed(1)} dB, image weight ${imageWeight.toFixed(1)}`,
      ),
    onEnd: () => progress.end(),
  };
}
