// The triggers that a spec can name.
import { registry } from '../core/registry.ts';
import { badnets } from './badnets.ts';
import { blended } from './blended.ts';
import { dynamic } from './dynamic.ts';
import { sig } from './sig.ts';
import { sine } from './sine.ts';
import { ssba } from './ssba.ts';
import type { TriggerDefinition } from './trigger.ts';
import { variance } from './variance.ts';
import { wanet } from './wanet.ts';

export const triggers = registry<TriggerDefinition>('trigger', [
  badnets,
  blended,
  sig,
  sine,
  variance,
  dynamic,
  wanet,
  ssba,
]);

/** What the parameters of an attack stand for that its runs leave out; nothing for a type that is not known here. */
export function unsaidParameters(type: unknown): Readonly<Record<string, unknown>> {
  return typeof type === 'string' && triggers.has(type) ? (triggers.get(type).unsaid ?? {}) : {};
}
