// Where in a spec a finding belongs: the place of the level that it speaks of.
import { canonicalJson } from '../core/hash.ts';
import type { ExperimentSpec } from '../spec/experiment.ts';

/**
 * The place of a field's value in an experiment: of the level itself, else of the field, else of the attack's block.
 * `field` is a path such as `dataset` or `attack.size`; `attackType` narrows it to blocks of that type.
 */
export function placeOf(experiment: ExperimentSpec, field: string, value: unknown, attackType?: string): string {
  const blocks = experiment.blocks.filter((block) => attackType === undefined || block.attackType === attackType);
  const replaced = experiment.when.flatMap((rule) => rule.then).filter((then) => then.field === field);
  const levels = [...blocks.flatMap((block) => block.factors.filter((factor) => factor.field === field)), ...replaced];
  const key = canonicalJson(value);
  const all = levels.flatMap((factor) => factor.levels);
  return (all.find((level) => level.key === key) ?? all[0])?.at ?? blocks[0]?.at ?? experiment.name;
}
