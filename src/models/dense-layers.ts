// The two hidden dense layers of AlexNet and VGG, with dropout before or behind them.
import type { Value } from '../graph/graph.ts';
import { relu } from '../graph/ops/relu.ts';
import type { Layers, LinearLayer } from './layers.ts';
import type { DropoutPlace, ModelOptions } from './options.ts';

export interface HiddenLayer {
  readonly dropout: string;
  readonly linear: string;
}

/** Dense layer and ReLU, once for each name, on [N, inputs]. */
export function hiddenDense(
  layers: Layers,
  x: Value,
  names: readonly HiddenLayer[],
  { dense, dropout, dropoutAt }: Omit<ModelOptions, 'width'>,
  start: LinearLayer,
): Value {
  return names.reduce((input, { dropout: mask, linear }) => {
    const dropped = (value: Value, place: DropoutPlace) =>
      place === dropoutAt ? layers.dropout(mask, value, dropout) : value;
    return dropped(relu(layers.linear(linear, dropped(input, 'before'), dense, start)), 'after');
  }, x);
}
