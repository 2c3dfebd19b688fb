// A step's session and the state it carries from run to run.
import { filled, type Tensor } from '../core/tensor.ts';
import type { Runtime } from '../runtime/node.ts';
import type { Feeds } from '../runtime/session.ts';
import type { TrainStep } from './train-step.ts';

export interface Stepping {
  /** Parameters, optimiser slots and running statistics after the last step, valid until the next. */
  state(): Readonly<Record<string, Tensor>>;
  /** Takes a step; the loss. `feeds` are those besides the state. */
  step(feeds: Feeds): Promise<number>;
}

/**
 * Begins at a state, whose large tensors are written over where they lie; the rest alternates between two places. Nothing comes back
 * as a result of a run: the memory of results is new each time, and to fill and collect it took a third of a small network's step.
 */
export async function stepping(runtime: Runtime, step: TrainStep, start: Record<string, Tensor>): Promise<Stepping> {
  const session = await runtime.open(step.graph, { into: true });
  const loss = filled([], 0);
  let state = start;
  const stays = new Set(step.inPlace);
  let next = Object.fromEntries(
    step.state.map((name) => [name, stays.has(name) ? state[name] : filled(state[name].shape, 0)]),
  );
  return {
    state: () => state,
    async step(feeds) {
      const outputs = Object.fromEntries(step.state.map((name) => [`next/${name}`, next[name]]));
      await session.runInto({ ...state, ...feeds }, { ...outputs, loss });
      [state, next] = [next, state];
      return loss.data[0];
    },
  };
}
