// The triggers that a spec can name.
import { registry } from '../core/registry.ts';
import { badnets } from './badnets.ts';
import { ssba } from './ssba.ts';
import type { TriggerDefinition } from './trigger.ts';

export const triggers = registry<TriggerDefinition>('trigger', [badnets, ssba]);
