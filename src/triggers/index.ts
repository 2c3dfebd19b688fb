// The library's `triggerlab/triggers`.
export type { Image, ImageShape } from '../core/images.ts';
export { Rng } from '../core/rng.ts';
export { type BadnetsParameters, badnets, badnetsParameters, patchTrigger } from './badnets.ts';
export { LABEL_RULES, type LabelRule, type LabelRuleName, type LabelRuleOptions, labelRule } from './label-rule.ts';
export { triggers } from './registry.ts';
export { stampImages } from './stamp.ts';
export type { Box, NoiseForm, Overlay, StampAt, Trigger, TriggerContext, TriggerDefinition } from './trigger.ts';
export { type WanetParameters, wanet, wanetParameters } from './wanet.ts';
