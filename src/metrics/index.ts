// All metrics on predictions and inputs.
export { accuracy } from './accuracy.ts';
export { type AttackSuccess, attackSuccess } from './attack-success.ts';
export { effectivePixels } from './effective-pixels.ts';
