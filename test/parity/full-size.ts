// The cases of the full-size parity tests, run here: torchvision's networks at 64 px on numbers that a formula gives.
import { readFileSync } from 'node:fs';
import { filled, float32, type Tensor } from '../../src/core/tensor.ts';
import { memorySource } from '../../src/data/dataset.ts';
import { Graph } from '../../src/graph/graph.ts';
import { type ArchitectureInfo, describeArchitecture, type Origin } from '../../src/models/architecture.ts';
import { parseFreeze } from '../../src/models/freeze.ts';
import { models } from '../../src/models/registry.ts';
import type { ModelState } from '../../src/models/state.ts';
import { Runtime } from '../../src/runtime/node.ts';
import { createNetwork, type DropoutMask, emitForward, type Network } from '../../src/train/network.ts';
import { optimizer } from '../../src/train/optimizers.ts';
import { unpackTensors } from '../../src/train/packing.ts';
import { stateFeeds } from '../../src/train/predict.ts';
import { stepping } from '../../src/train/stepping.ts';
import { trainStep } from '../../src/train/train-step.ts';
import { imagesOf, keepOf, labelsOf, startOfDeep } from '../fixtures/torch-train/formula.ts';

export type Method = 'adam' | 'sgd';

export interface FullSizeCase {
  readonly model: string;
  readonly init: Origin;
  readonly freeze: string;
  /** Number of the first batch, chosen so that no rounding error of PyTorch's turns a ReLU or max-pool the other way. */
  readonly firstStep: number;
  /** Those whose steps are compared; gradients always are. */
  readonly optimizers: readonly Method[];
}

interface Settings {
  readonly batch: number;
  readonly side: number;
  readonly classes: number;
  readonly steps: number;
  readonly learningRate: Readonly<Record<Method, number>>;
  readonly momentum: number;
  readonly weightDecay: number;
  readonly cases: readonly FullSizeCase[];
}

export const FIXTURES = new URL('../fixtures/torch-train/', import.meta.url);
export const settings = JSON.parse(readFileSync(new URL('full-size-cases.json', FIXTURES), 'utf8')) as Settings;

/** `alexnet pretrained paper`. */
export const titleOf = ({ model, init, freeze }: FullSizeCase): string => `${model} ${init} ${freeze}`;

export type Numbers = Float32Array | Float64Array;

export interface CaseResult {
  /** Logits in evaluation mode (where steps are compared too) and in training mode, and the loss, of the first batch. */
  readonly flat: Readonly<{ evaluation?: Numbers; training: Numbers; loss: Numbers }>;
  readonly gradients: Readonly<Record<string, Numbers>>;
  /** Losses of the steps, and how far each trained parameter and running statistic moved. */
  readonly steps: Readonly<Partial<Record<Method, { losses: number[]; moved: Record<string, Numbers> }>>>;
  /** 2-norm of what each trained parameter and running statistic starts from. */
  readonly startNorms: Readonly<Record<string, number>>;
}

/** Below this share of the whole gradient's norm, in float64, a gradient is zero by symmetry: what float32 has there is noise. */
const VANISHED = 1e-9;

/** How far a gradient of norm `size` may be off, of which PyTorch's float32 is off by `torchError`; `whole`: norm over all parameters. */
export function gradientLimit(size: number, torchError: number, whole: number): number {
  return size < VANISHED * whole ? 1e-6 * whole : Math.max(1e-4 * size, 2 * torchError);
}

/**
 * How far a tensor's movement in five steps may be off. Values are held to 1e-3; since they hardly move in so few steps, this
 * is what would see a wrong update. Adam divides gradients by their own size, so that noise in small ones counts in full.
 */
export function movementLimit(moved: number, torchError: number): number {
  return Math.max(0.05 * moved, 4 * torchError);
}

/** The numbers of the network drawn last: cases of one network follow each other, and one may take 560 MB. */
let drawn: { readonly key: string; readonly state: ModelState } | undefined;

function startOfNetwork(model: string, init: Origin, { parameters, buffers }: ArchitectureInfo): ModelState {
  const key = `${model} ${init}`;
  if (drawn?.key === key) return drawn.state;
  const last = /^resnet(18|34)$/.test(model) ? /^layer.*\.bn2\./ : /^layer.*\.bn3\./;
  const start = (name: string, shape: readonly number[], batchNorm: boolean) =>
    startOfDeep(name, shape, { batchNorm, residual: model.startsWith('resnet') && last.test(name) });
  drawn = undefined;
  const state = Object.fromEntries([
    ...parameters.map(({ name, shape, batchNorm }) => [name, start(name, shape, batchNorm)] as const),
    ...buffers.map(({ name, shape }) => [name, start(name, shape, true)] as const),
  ]);
  drawn = { key, state };
  return state;
}

async function networkOf({ model: name, init, freeze }: FullSizeCase): Promise<Network> {
  const { side, classes } = settings;
  const model = models.get(name);
  return createNetwork({
    model,
    dataset: {
      classes: Array.from({ length: classes }, (_, i) => `class ${i}`),
      train: memorySource({ height: side, width: side, channels: 3 }, new Uint8Array(0), new Uint16Array(0)),
    },
    inputSize: side,
    init,
    freeze: parseFreeze(freeze),
    seed: 0,
    start: startOfNetwork(name, init, describeArchitecture(model.architecture, side, classes, init)),
  });
}

/** The masks of a step, as graph inputs. */
function maskFeeds(masks: readonly DropoutMask[], step: number): Record<string, Tensor> {
  return Object.fromEntries(
    masks.map(({ input, shape, rate }) => {
      const size = [settings.batch, ...shape.slice(1).map(Number)];
      return [input, keepOf(input.replace('mask/', ''), step, size, rate)];
    }),
  );
}

async function logitsOf(network: Network, mode: 'evaluate' | 'train', step: number, threads: number): Promise<Numbers> {
  const graph = new Graph();
  const { logits, masks } = emitForward(graph, network, mode);
  graph.output('logits', logits);
  const runtime = new Runtime({ threads });
  const session = await runtime.open(graph);
  const feeds = { ...stateFeeds(network, network.start), ...maskFeeds(masks, step), image: imagesOf(step, settings) };
  const out = await session.run(feeds);
  await runtime.close();
  return out.logits.data as Float32Array;
}

interface Taken {
  readonly losses: number[];
  readonly moved: Record<string, Numbers>;
  /** Of the first step; SGD alone tells them, whose momentum is then the gradient and the weight decay. */
  readonly gradients: Record<string, Numbers>;
}

async function takeSteps(
  network: Network,
  method: Method,
  firstStep: number,
  steps: number,
  threads: number,
  decay = 0,
) {
  const learningRate = settings.learningRate[method];
  const { momentum } = settings;
  const update = optimizer({ optimizer: method, learningRate, momentum, weightDecay: decay });
  const step = trainStep(network, update);
  const runtime = new Runtime({ threads });
  const start: Record<string, Tensor> = stateFeeds(network, network.start);
  // Steps write over what they begin with, and running statistics are fed as they are.
  for (const name of network.buffers) {
    const { shape, data } = network.start[name];
    start[`buffers/${name}`] = float32(shape, data as Float32Array);
  }
  for (const pack of network.packs)
    for (const slot of update.slots) start[`slot/${slot}/${pack.name}`] = filled(pack.shape, 0);
  const going = await stepping(runtime, step, start);
  /** The members of all packs as they are now under a prefix. */
  const current = (prefix: string) =>
    network.packs.flatMap((pack) => Object.entries(unpackTensors(pack, going.state()[`${prefix}/${pack.name}`])));
  const taken: Taken = { losses: [], moved: {}, gradients: {} };
  for (let i = 0; i < steps; i++) {
    const number = firstStep + i;
    const feeds: Record<string, Tensor> = maskFeeds(step.masks, number);
    update.feed(i + 1, learningRate).forEach((value, j) => {
      feeds[`scalar/${update.scalars[j]}`] = filled([], value);
    });
    feeds.image = imagesOf(number, settings);
    feeds.labels = labelsOf(number, settings);
    taken.losses.push(await going.step(feeds));
    if (i > 0 || method !== 'sgd') continue;
    for (const [name, { data }] of current('slot/momentum')) {
      const weights = network.start[name].data as Float32Array;
      taken.gradients[name] = (data as Float32Array).map((value, k) => value - decay * weights[k]);
    }
  }
  const buffers = network.buffers.map((name) => [name, going.state()[`buffers/${name}`]] as const);
  for (const [name, { data }] of [...current('parameters'), ...buffers]) {
    const before = network.start[name].data as Float32Array;
    taken.moved[name] = (data as Float32Array).map((value, i) => value - before[i]);
  }
  await runtime.close();
  return taken;
}

/** Runs a case: logits, one training step for loss and gradients, and the steps of its optimisers. */
export async function runCase(one: FullSizeCase, threads: number): Promise<CaseResult> {
  const { firstStep, optimizers } = one;
  const network = await networkOf(one);
  const training = await logitsOf(network, 'train', firstStep, threads);
  const evaluation = optimizers.length > 0 ? await logitsOf(network, 'evaluate', firstStep, threads) : undefined;
  const steps: Partial<Record<Method, Taken>> = {};
  for (const method of optimizers) {
    const decay = method === 'sgd' ? settings.weightDecay : 0;
    steps[method] = await takeSteps(network, method, firstStep, settings.steps, threads, decay);
  }
  const first = steps.sgd ?? (await takeSteps(network, 'sgd', firstStep, 1, threads));
  const single = { training, loss: Float64Array.of(first.losses[0]) };
  const startNorms = Object.fromEntries(Object.keys(first.moved).map((name) => [name, normOf(network.start[name])]));
  return { flat: evaluation ? { evaluation, ...single } : single, gradients: first.gradients, steps, startNorms };
}

function normOf({ data }: Tensor): number {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += Number(data[i]) ** 2;
  return Math.sqrt(sum);
}
