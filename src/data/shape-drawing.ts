// Draws one coloured shape on a shaded, noisy ground. Only +, −, ×, ÷ and square roots decide a pixel: these are exact
// in IEEE 754, whereas sines and logarithms may differ between engines.
import type { Rng } from '../core/rng.ts';

/** Side of a picture in pixels. */
export const SIDE = 32;
const CHANNELS = 3;
/** Samples per pixel along each axis. */
const SAMPLES = 3;
/** No outline reaches further from its centre, in radii. */
const REACH = 1.11;

type Color = readonly [number, number, number];

/** A shape of about unit radius: u to the right, v downwards. */
interface Outline {
  readonly inside: (u: number, v: number) => boolean;
  /** Largest rotation either way, as the tangent of half the angle. */
  readonly turn: number;
  /** Stands on its head half of the time. */
  readonly flips?: boolean;
}

const COS36 = (1 + Math.sqrt(5)) / 4;
const COS72 = COS36 - 0.5;
const SIN36 = Math.sqrt(1 - COS36 * COS36);
const SIN72 = Math.sqrt(1 - COS72 * COS72);
const ROOT3 = Math.sqrt(3);

/** The five points of a star, the first one up. */
const POINTS: readonly (readonly [number, number])[] = [
  [0, -1],
  [SIN72, -COS72],
  [SIN36, COS36],
  [-SIN36, COS36],
  [-SIN72, -COS72],
];

const inSquare = (u: number, v: number, half: number) => Math.max(Math.abs(u), Math.abs(v)) <= half;
const stripe = (x: number, half: number, count: number) => Math.floor(((x + half) * count) / (2 * half));

/** The ten classes, in label order. */
export const OUTLINES: Readonly<Record<string, Outline>> = {
  circle: { inside: (u, v) => u * u + v * v <= 0.72, turn: 0 },
  square: { inside: (u, v) => inSquare(u, v, 0.7), turn: 0.12 },
  triangle: { inside: (u, v) => v <= 0.5 && Math.abs(u) * ROOT3 <= v + 1, turn: 0.2, flips: true },
  cross: { inside: (u, v) => inSquare(u, v, 0.92) && Math.min(Math.abs(u), Math.abs(v)) <= 0.27, turn: 0.15 },
  ring: { inside: (u, v) => u * u + v * v <= 0.81 && u * u + v * v >= 0.27, turn: 0 },
  star: { inside: insideStar, turn: 0.158 },
  diamond: { inside: (u, v) => Math.abs(u) / 0.66 + Math.abs(v) <= 1, turn: 0.15 },
  'horizontal-bars': { inside: (u, v) => inSquare(u, v, 0.78) && stripe(v, 0.78, 5) % 2 === 0, turn: 0.1 },
  'vertical-bars': { inside: (u, v) => inSquare(u, v, 0.78) && stripe(u, 0.78, 5) % 2 === 0, turn: 0.1 },
  checker: {
    inside: (u, v) => inSquare(u, v, 0.76) && (stripe(u, 0.76, 4) + stripe(v, 0.76, 4)) % 2 === 0,
    turn: 0.12,
  },
};

/** A star is bounded by five lines, each between two points that are not neighbours: beyond one at most is inside. */
function insideStar(u: number, v: number): boolean {
  let beyond = 0;
  for (const [pu, pv] of POINTS) if (u * pu + v * pv > COS72) beyond++;
  return beyond <= 1;
}

/** A picture of the shape: 32 × 32 RGB (HWC) with colours, size, place, rotation, shading and noise drawn from `rng`. */
export function drawShape(outline: Outline, rng: Rng): Uint8Array {
  const between = (low: number, high: number) => low + (high - low) * rng.uniform();
  const ground = randomColor(rng);
  const shift = (level: number) => Math.min(255, Math.max(0, level + rng.int(-64, 64)));
  const groundEnd: Color = [shift(ground[0]), shift(ground[1]), shift(ground[2])];
  const ink = contrastingColor(rng, [ground, groundEnd]);
  const shade = direction(between(-1, 1));
  const radius = between(7, 13);
  const centre = { x: between(radius, SIDE - radius), y: between(radius, SIDE - radius) };
  const turn = direction(between(-outline.turn, outline.turn));
  const head = outline.flips && rng.int(0, 1) === 1 ? -1 : 1;
  const noise = between(2, 24);

  const picture = new Float64Array(SIDE * SIDE * CHANNELS);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const share = coverage(x, y);
      // The ground runs from one colour to the other along the shading direction.
      const along = ((x - SIDE / 2) * shade.cos + (y - SIDE / 2) * shade.sin) / (SIDE * 1.5) + 0.5;
      for (let c = 0; c < CHANNELS; c++) {
        const behind = ground[c] + along * (groundEnd[c] - ground[c]);
        picture[(y * SIDE + x) * CHANNELS + c] = behind + share * (ink[c] - behind);
      }
    }
  }
  return withNoise(picture, noise, rng);

  /** Share of a pixel that the shape covers, from a grid of samples. */
  function coverage(x: number, y: number): number {
    const [across, down, far] = [x + 0.5 - centre.x, y + 0.5 - centre.y, REACH * radius + 1];
    if (across * across + down * down > far * far) return 0;
    let hits = 0;
    for (let i = 0; i < SAMPLES; i++) {
      const dy = (y + (i + 0.5) / SAMPLES - centre.y) / radius;
      for (let j = 0; j < SAMPLES; j++) {
        const dx = (x + (j + 0.5) / SAMPLES - centre.x) / radius;
        if (outline.inside(dx * turn.cos + dy * turn.sin, head * (dy * turn.cos - dx * turn.sin))) hits++;
      }
    }
    return hits / (SAMPLES * SAMPLES);
  }
}

/** The picture with triangular noise in [-amplitude, amplitude] on every value, as bytes. */
function withNoise(picture: Float64Array, amplitude: number, rng: Rng): Uint8Array {
  const pixels = new Uint8Array(picture.length);
  let bits = 0;
  for (let i = 0; i < picture.length; i++) {
    bits = i % 2 === 0 ? rng.bits() : bits >>> 16;
    const grain = ((bits & 0xff) + ((bits >>> 8) & 0xff) - 255) / 255;
    pixels[i] = Math.min(255, Math.max(0, Math.round(picture[i] + amplitude * grain)));
  }
  return pixels;
}

/** Cosine and sine of the angle whose half has tangent `t`. */
function direction(t: number): { cos: number; sin: number } {
  return { cos: (1 - t * t) / (1 + t * t), sin: (2 * t) / (1 + t * t) };
}

function randomColor(rng: Rng): Color {
  return [rng.int(0, 255), rng.int(0, 255), rng.int(0, 255)];
}

/** A colour that stands out from all of `others`: at least 150 apart in the sum over the channels. */
function contrastingColor(rng: Rng, others: readonly Color[]): Color {
  const apart = (a: Color, b: Color) => a.reduce((sum, value, c) => sum + Math.abs(value - b[c]), 0);
  let color = randomColor(rng);
  while (others.some((other) => apart(color, other) < 150)) color = randomColor(rng);
  return color;
}
