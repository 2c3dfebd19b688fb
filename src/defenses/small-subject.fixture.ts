// A small world for tests of defences: noisy pictures of three colours, and networks that learn them.
import { Rng } from '../core/rng.ts';
import { type Dataset, type ImageSource, memorySource } from '../data/dataset.ts';
import { parseFreeze } from '../models/freeze.ts';
import { models } from '../models/registry.ts';
import type { Runtime } from '../runtime/node.ts';
import { createNetwork, type Network } from '../train/network.ts';
import { train } from '../train/train.ts';
import type { DefenseSubject } from './defense.ts';

const SIDE = 8;
const SHAPE = { height: SIDE, width: SIDE, channels: 3 } as const;
const COLORS = [
  [220, 30, 30],
  [30, 220, 30],
  [30, 30, 220],
];

/** How the rows of a set differ from honest ones: `turned` has the next class's label, `marked` a white corner. */
export interface Slips {
  readonly turned?: (row: number) => boolean;
  readonly marked?: (row: number) => boolean;
  readonly label?: (row: number) => number;
}

/** Noisy pictures whose colour is row mod 3. */
export function pictures(count: number, { turned, marked, label }: Slips = {}): ImageSource {
  const rng = Rng.of(count, 'pictures');
  const own = (row: number) => label?.(row) ?? (row + (turned?.(row) ? 1 : 0)) % 3;
  const labels = Uint16Array.from({ length: count }, (_, row) => own(row));
  const pixels = Uint8Array.from({ length: count * SIDE * SIDE * 3 }, (_, i) => {
    const row = Math.floor(i / (SIDE * SIDE * 3));
    const place = Math.floor(i / 3) % (SIDE * SIDE);
    const noisy = COLORS[row % 3][i % 3] + rng.int(-30, 30);
    return marked?.(row) && place % SIDE < 3 && place < 3 * SIDE ? 255 : noisy;
  });
  return memorySource(SHAPE, pixels, labels);
}

export const colours: Dataset = {
  name: 'colours',
  classes: ['red', 'green', 'blue'],
  train: pictures(60),
  test: pictures(30),
};

export function networkOf(model = 'resnet-mini', freeze = 'none'): Promise<Network> {
  return createNetwork({
    ...{
      model: models.get(model),
      dataset: colours,
      inputSize: 32,
      init: 'random',
      freeze: parseFreeze(freeze),
      seed: 1,
    },
  });
}

/** A network trained on `source` in place of the honest pictures. */
export async function subjectTrainedOn(
  runtime: Runtime,
  source: ImageSource,
  { model = 'resnet-mini', epochs = 3 } = {},
): Promise<DefenseSubject> {
  const network = await networkOf(model);
  const adam = { optimizer: 'adam', learningRate: 0.003, momentum: 0, weightDecay: 0, seed: 1 } as const;
  const { trained } = await train(runtime, network, source, { ...adam, epochs, batchSize: 10 });
  const cleanRows = Int32Array.from({ length: colours.train.count }, (_, row) => row);
  return { runtime, network, trained, dataset: colours, cleanRows, seed: 1 };
}
