// Activation Clustering: in the class that was poisoned, the hidden activations fall into two clusters of unequal size.
import { z } from 'zod';
import type { DefenseDefinition } from './defense.ts';

const parameters = z.strictObject({
  dimensions: z
    .int()
    .min(1)
    .max(100)
    .default(10)
    .describe('principal components that the activations of a class are reduced to'),
  sizeThreshold: z
    .number()
    .gt(0)
    .max(0.5)
    .default(0.35)
    .describe('a class is taken for poisoned when its smaller cluster has at most this share of its images, and'),
  silhouetteThreshold: z
    .number()
    .min(-1)
    .max(1)
    .default(0.1)
    .describe('the mean silhouette of its two clusters is above this'),
});

export type ActivationClusteringParameters = z.infer<typeof parameters>;

export const activationClustering: DefenseDefinition<ActivationClusteringParameters> = {
  name: 'activation-clustering',
  title: 'two clusters of hidden activations in a class',
  paper: 'Chen et al.: Detecting Backdoor Attacks on Deep Neural Networks by Activation Clustering, SafeAI 2019',
  kind: 'detect-data',
  parameters,
  async run(subject, settings, watch) {
    const { clusterActivations } = await import('./activation-clusters.ts');
    return clusterActivations(subject, settings, watch);
  },
};
