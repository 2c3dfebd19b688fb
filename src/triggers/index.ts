// The library's `triggerlab/triggers`.
export type { Image, ImageShape } from '../core/images.ts';
export { Rng } from '../core/rng.ts';
export { type BadnetsParameters, badnets, badnetsParameters } from './badnets.ts';
export { triggers } from './registry.ts';
export type { Box, StampAt, Trigger, TriggerDefinition } from './trigger.ts';
