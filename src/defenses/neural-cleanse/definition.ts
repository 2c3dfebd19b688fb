// Neural Cleanse as a line of the registry: what it says of a run's network, and whether it is right.

import type { DefenseDefinition } from '../defense.ts';
import { REFERENCE_THRESHOLD } from './anomaly-index.ts';
import { type CleanseParameters, cleanseSchema } from './settings.ts';

export const neuralCleanseDefense: DefenseDefinition<CleanseParameters> = {
  name: 'neural-cleanse',
  title: 'the smallest trigger that leads to each class',
  paper: 'Wang et al.: Neural Cleanse: Identifying and Mitigating Backdoor Attacks in Neural Networks, S&P 2019',
  kind: 'detect-model',
  parameters: cleanseSchema,
  async run(subject, parameters, watch) {
    const { neuralCleanse } = await import('./neural-cleanse.ts');
    const { calibrate, pValue } = await import('./calibration.ts');
    const { flaggedClasses } = await import('./anomaly-index.ts');
    const { cleanseSettings } = await import('./settings.ts');
    const { runtime, network, trained, dataset, seed, targetClass } = subject;
    const result = await neuralCleanse({
      ...{ runtime, network, trained, images: dataset.test, settings: cleanseSettings(parameters), seed },
      watch: {
        onProgress: (share) => watch.onProgress?.(share, 'searching triggers'),
        onStep: () => watch.checkStop?.(),
      },
    });
    const { anomaly, sizes, classes, cost } = result;
    const flagged = flaggedClasses(anomaly, REFERENCE_THRESHOLD).map((i) => classes[i].class);
    const at = (i: number | undefined) => (i === undefined ? null : classes[i].class);
    const factor = sizes.score ?? null;
    return {
      metrics: {
        anomalyIndex: anomaly.score ?? null,
        sizeFactor: factor,
        pValue: factor === null ? null : pValue(calibrate(classes.length), factor),
        mostSuspicious: at(sizes.smallest),
        flaggedClasses: flagged.join(' '),
        detected: anomaly.score === undefined ? null : flagged.length > 0,
        targetFlagged: targetClass === undefined ? null : flagged.includes(targetClass),
        targetNorm: targetClass === undefined ? null : (classes[targetClass].trigger?.norm ?? null),
        medianNorm: anomaly.median ?? null,
      },
      details: {
        settings: result.settings,
        untestable: anomaly.untestable ?? null,
        classes: classes.map(({ trigger, ...one }) => ({
          ...one,
          norm: trigger?.norm ?? null,
          success: trigger?.success ?? null,
          step: trigger?.step ?? null,
        })),
      },
      cost: { forwardPasses: cost.forwardPasses, backwardPasses: cost.backwardPasses },
    };
  },
};
