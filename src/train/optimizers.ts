// Optimisers as graph fragments, exactly as PyTorch defines them; their state travels like parameters do.
import type { Graph, Value } from '../graph/graph.ts';
import { add } from '../graph/ops/add.ts';
import { div } from '../graph/ops/div.ts';
import { mul } from '../graph/ops/mul.ts';
import { sqrt } from '../graph/ops/sqrt.ts';
import { sub } from '../graph/ops/sub.ts';

export interface OptimizerConfig {
  readonly optimizer: 'adam' | 'sgd';
  readonly learningRate: number;
  /** SGD's momentum in [0, 1). */
  readonly momentum: number;
  /** L2 penalty, added to the gradient. */
  readonly weightDecay: number;
  /** Adam's decay rates. Default (0.9, 0.999). */
  readonly betas?: readonly [number, number];
}

export interface Optimizer {
  /** Names of its state tensors, one of each for every parameter; they start at zero. */
  readonly slots: readonly string[];
  /** Names of the scalars it is fed at every step. */
  readonly scalars: readonly string[];
  /** Their values at step `step` (from 1), with the learning rate of that step. */
  feed(step: number, learningRate: number): readonly number[];
  /** Emits the update of one parameter. */
  update(
    parameter: Value,
    gradient: Value,
    state: Readonly<Record<string, Value>>,
    scalars: Readonly<Record<string, Value>>,
  ): { parameter: Value; state: Record<string, Value> };
}

/** The optimiser a config names. */
export function optimizer(config: OptimizerConfig): Optimizer {
  return config.optimizer === 'adam' ? adam(config) : sgd(config);
}

const BETAS = [0.9, 0.999] as const;
const EPSILON = 1e-8;

/** A learning rate of 0 becomes this, which moves nothing either: its reciprocal is fed. */
const LEAST_RATE = 1e-30;

/**
 * Adam (Kingma & Ba 2015) with PyTorch's defaults β = (0.9, 0.999), ε = 1e-8. Its moments are carried as m / (1 − β₁) and
 * v / (1 − β₂), and the step is m / (√v · scale + shift) with all factors in the two scalars: fewer passes over the numbers.
 */
function adam({ weightDecay, betas = BETAS }: OptimizerConfig): Optimizer {
  const [beta1, beta2] = betas;
  return {
    slots: ['m', 'v'],
    scalars: ['scale', 'shift'],
    feed(step, learningRate) {
      const rate = (Math.max(learningRate, LEAST_RATE) * (1 - beta1)) / (1 - beta1 ** step);
      return [Math.sqrt((1 - beta2) / (1 - beta2 ** step)) / rate, EPSILON / rate];
    },
    update(parameter, gradient, { m, v }, { scale, shift }) {
      const { graph } = parameter;
      const g = decayed(gradient, parameter, weightDecay);
      const newM = add(mul(m, graph.scalar(beta1)), g);
      const newV = add(mul(v, graph.scalar(beta2)), mul(g, g));
      const moved = sub(parameter, div(newM, add(mul(sqrt(newV), scale), shift)));
      return { parameter: moved, state: { m: newM, v: newV } };
    },
  };
}

/** Stochastic gradient descent; with momentum the buffer is μ·buffer + g (no dampening, no Nesterov). */
function sgd({ momentum, weightDecay }: OptimizerConfig): Optimizer {
  return {
    slots: momentum > 0 ? ['momentum'] : [],
    scalars: ['learning_rate'],
    feed: (_, learningRate) => [learningRate],
    update(parameter, gradient, state, scalars) {
      const { graph } = parameter;
      const g = decayed(gradient, parameter, weightDecay);
      const direction = momentum > 0 ? add(mul(state.momentum, graph.scalar(momentum)), g) : g;
      const moved = sub(parameter, mul(scalars.learning_rate, direction));
      const next: Record<string, Value> = momentum > 0 ? { momentum: direction } : {};
      return { parameter: moved, state: next };
    },
  };
}

function decayed(gradient: Value, parameter: Value, weightDecay: number): Value {
  if (weightDecay === 0) return gradient;
  const graph: Graph = parameter.graph;
  return add(gradient, mul(parameter, graph.scalar(weightDecay)));
}
