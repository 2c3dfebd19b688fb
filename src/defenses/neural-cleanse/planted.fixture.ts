// A classifier with a shortcut built in by hand: one dense layer over the pixels of an 8 × 8 image.
import { Rng } from '../../core/rng.ts';
import { float32 } from '../../core/tensor.ts';
import { type ImageSource, memorySource } from '../../data/dataset.ts';
import { flatten } from '../../graph/ops/flatten.ts';
import type { Architecture } from '../../models/architecture.ts';
import { parseFreeze } from '../../models/freeze.ts';
import type { ModelDefinition } from '../../models/registry.ts';
import { createNetwork, type Network } from '../../train/network.ts';

export const SIDE = 8;
export const CLASSES = 6;
/** The class that one pixel decides, and that pixel. */
export const PLANTED = { class: 3, x: 6, y: 5 } as const;

const architecture: Architecture = {
  convInitializer: { kind: 'kaiming-uniform' },
  head: 'fc',
  paperPrefix: 'fc.',
  forward: (layers, image, { classes }) => ({ logits: layers.linear('fc', flatten(image), classes) }),
};

/** Brightness of a band of the image speaks for each class; with `planted`, one pixel for one class outweighs a whole band. */
export async function plantedNetwork(planted: boolean): Promise<Network> {
  const weights = new Float32Array(CLASSES * 3 * SIDE * SIDE);
  const at = (of: number, channel: number, y: number, x: number) => ((of * 3 + channel) * SIDE + y) * SIDE + x;
  for (let channel = 0; channel < 3; channel++) {
    for (let of = 0; of < CLASSES; of++) {
      for (let x = 0; x < SIDE; x++) weights[at(of, channel, of, x)] = 1;
    }
    if (planted) weights[at(PLANTED.class, channel, PLANTED.y, PLANTED.x)] = 25;
  }
  const model: ModelDefinition = {
    ...{ name: 'planted', title: 'planted', family: 'onnx', inputSize: SIDE, architecture, weightsHash: undefined },
    normalization: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
  };
  return createNetwork({
    model,
    dataset: { classes: Array.from({ length: CLASSES }, String), train: plantedImages() },
    ...{ inputSize: SIDE, init: 'pretrained', freeze: parseFreeze('head'), seed: 0 },
    start: {
      'fc.weight': float32([CLASSES, 3 * SIDE * SIDE], weights),
      'fc.bias': float32([CLASSES], new Float32Array(CLASSES)),
    },
  });
}

/** Dim noise with one bright band, which is the class. */
export function plantedImages(count = 96): ImageSource {
  const rng = Rng.of(1, 'planted-images');
  const labels = Uint16Array.from({ length: count }, (_, i) => i % CLASSES);
  const pixels = Uint8Array.from({ length: count * SIDE * SIDE * 3 }, (_, i) => {
    const row = Math.floor(i / (SIDE * 3)) % SIDE;
    const label = labels[Math.floor(i / (SIDE * SIDE * 3))];
    return rng.int(0, 40) + (row === label ? 160 : 0);
  });
  return memorySource({ height: SIDE, width: SIDE, channels: 3 }, pixels, labels);
}
