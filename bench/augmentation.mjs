// How long augmentation takes on the host: `npm run build && node bench/augmentation.mjs`. Processor time per image.

import { Rng } from '../dist/core/rng.js';
import { augmentation } from '../dist/data/augment.js';

const CASES = [
  ['crop 4 and flip at 32 px', 32, 32, { crop: 4, flip: 0.5 }],
  ['crop 5, rotation 10, flip at 32 px', 32, 32, { crop: 5, rotation: 10, flip: 0.5 }],
  ['flip and a random part, 64 to 224 px', 64, 224, { flip: 0.5, resizedCrop: 0.08 }],
  ['the same as PIL rounds it', 64, 224, { flip: 0.5, resizedCrop: 0.08 }, { antialias: true, quantize: 'each-axis' }],
];
const BATCH = 64;

for (const [title, native, inputSize, spec, chain] of CASES) {
  const shape = { height: native, width: native, channels: 3 };
  const made = augmentation(spec, shape, inputSize, chain);
  const rng = Rng.of(0, 'bench');
  const pixels = Uint8Array.from({ length: BATCH * native * native * 3 }, () => rng.int(0, 255));
  const once = (i) => made.apply(pixels.slice(), Rng.of(0, 'augment', i));
  for (let i = 0; i < 5; i++) once(i);
  const times = Array.from({ length: 15 }, (_, i) => {
    const before = process.cpuUsage();
    once(i);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000 / BATCH;
  }).sort((a, b) => a - b);
  console.log(`${title}: ${times[7].toFixed(3)} ms per image`);
}
