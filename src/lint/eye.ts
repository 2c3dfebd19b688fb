// What a network sees of images: the preprocessing graph by itself, and which native pixels reach its output at all.
import type { ImageShape } from '../core/images.ts';
import { type ImageSource, memorySource } from '../data/dataset.ts';
import { inputPixels, type Preprocessing } from '../data/preprocessing.ts';
import { Graph } from '../graph/graph.ts';
import type { Runtime } from '../runtime/node.ts';
import type { Session } from '../runtime/session.ts';
import { imageFeeds } from '../train/feeds.ts';
import type { TriggeredSource } from '../train/poisoned-set.ts';
import { overlayInGraph } from '../triggers/open.ts';
import type { Trigger } from '../triggers/trigger.ts';
import type { Stage } from './settings.ts';

/** Pixels in [0, 1], images one after another, channels first: count × 3 × S × S. */
export interface SeenImages {
  readonly count: number;
  readonly data: Float32Array;
}

export class Eye {
  readonly #runtime: Runtime;
  readonly #preprocessing: Preprocessing;
  #view: Promise<Float64Array> | undefined;

  constructor(runtime: Runtime, preprocessing: Preprocessing) {
    this.#runtime = runtime;
    this.#preprocessing = preprocessing;
  }

  /** How images come to input size. */
  get chain(): Preprocessing {
    return this.#preprocessing;
  }

  /** Side of the square input in pixels. */
  get inputSize(): number {
    return this.#preprocessing.inputSize;
  }

  /** Rows of a source as the network's first layer meets them, before normalisation. */
  async see(source: ImageSource | TriggeredSource, rows: readonly number[]): Promise<SeenImages> {
    const session = await this.#session();
    const { pixels } = await session.run(imageFeeds(source, rows, this.#preprocessing));
    return { count: rows.length, data: pixels.data as Float32Array };
  }

  /**
   * Share in [0, 1] of a footprint (a weight for each native position, row by row) that reaches the input. 1 for an empty one.
   * A position is in view as far as its row and its column are: each measured by what a white line there does to the input,
   * in full where that is as much as of the weakest line in the middle half of the image that does anything.
   */
  async shareInView(footprint: Float64Array): Promise<number> {
    this.#view ??= this.#measureView();
    const view = await this.#view;
    let all = 0;
    let visible = 0;
    footprint.forEach((weight, i) => {
      all += weight;
      visible += weight * view[i];
    });
    return all === 0 ? 1 : visible / all;
  }

  async #measureView(): Promise<Float64Array> {
    const { height, width } = this.#preprocessing.native;
    const rows = await this.#lineResponses(height, (line) => ({ from: line * width, step: 1, count: width }));
    const columns = await this.#lineResponses(width, (line) => ({ from: line, step: width, count: height }));
    return Float64Array.from({ length: height * width }, (_, i) => rows[Math.floor(i / width)] * columns[i % width]);
  }

  async #lineResponses(
    lines: number,
    positions: (line: number) => { from: number; step: number; count: number },
  ): Promise<number[]> {
    const { height, width, channels } = this.#preprocessing.native;
    const sums: number[] = [];
    for (let line = 0; line < lines; line++) {
      const pixels = new Uint8Array(height * width * channels);
      const { from, step, count } = positions(line);
      for (let k = 0; k < count; k++) pixels.fill(255, (from + k * step) * channels, (from + k * step + 1) * channels);
      const source = memorySource({ height, width, channels }, pixels, Uint16Array.of(0));
      let sum = 0;
      for (const value of (await this.see(source, [0])).data) sum += value;
      sums.push(sum);
    }
    const middle = sums.slice(Math.floor(lines / 4), Math.ceil((3 * lines) / 4)).filter((sum) => sum > 0);
    const whole = Math.min(...middle);
    return sums.map((sum) => Math.min(1, sum / whole));
  }

  #session(): Promise<Session> {
    const graph = new Graph('seen pixels');
    graph.output('pixels', inputPixels(graph, this.#preprocessing));
    return this.#runtime.open(graph);
  }
}

/** What the network of a stage sees of images of a shape under a trigger. */
export function eyeOf(
  { preprocessing, inputSize }: Stage,
  native: ImageShape,
  runtime: Runtime,
  trigger: Trigger,
): Eye {
  const { rewrite: _, normalization: __, ...chain } = preprocessing ?? {};
  // Pixels are looked at before they are normalised.
  const unnormalized = { mean: [0, 0, 0], std: [1, 1, 1] };
  return new Eye(runtime, { ...chain, ...unnormalized, native, inputSize, overlay: overlayInGraph(trigger) });
}
