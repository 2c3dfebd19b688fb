// The axes of a block's product: its factors, those that are zipped together as one axis.
import { inputError } from '../core/errors.ts';
import type { Block, Factor, Level, Zip } from './experiment.ts';

/** The combinations of levels that one axis of a product takes. */
export type Axis = readonly Readonly<Record<string, Level>>[];

/**
 * A block's axes in the order of its factors; a zipped axis stands where its first factor does. A zip of which a block has no factor,
 * as another attack's parameters, is none of its business.
 * @throws TriggerlabError (input) for factors of different lengths, or of which a block has only some.
 */
export function axesOf(block: Block, zips: readonly Zip[]): Axis[] {
  const zipped = new Map(zips.flatMap((zip) => zip.fields.map((field) => [field, zip] as const)));
  const done = new Set<Zip>();
  return block.factors.flatMap(({ field, levels }): Axis[] => {
    const zip = zipped.get(field);
    if (zip === undefined) return [levels.map((level) => ({ [field]: level }))];
    if (done.has(zip)) return [];
    done.add(zip);
    const clean = block.attackType === 'none';
    const members = zip.fields
      // Clean runs have no trigger that could vary with the rest.
      .filter((name) => !clean || block.factors.some((factor) => factor.field === name))
      .map((name) => memberOf(block, name, zip));
    return [levels.map((_, i) => Object.fromEntries(members.map((member) => [member.field, member.levels[i]])))];
  });
}

function memberOf(block: Block, field: string, zip: Zip): Factor {
  const factors = zip.fields.map((name) => block.factors.find((factor) => factor.field === name));
  const found = factors[zip.fields.indexOf(field)];
  if (!found) {
    throw inputError(`${zip.at}: zip: ${block.attackType} has no ${field}, but another field of the zip`, {
      hint: 'Zip fields that the same runs have.',
    });
  }
  const lengths = factors.flatMap((factor) => factor?.levels.length ?? []);
  if (lengths.some((length) => length !== lengths[0])) {
    const shown = zip.fields.map((name, i) => `${name} ${lengths[i]}`).join(', ');
    throw inputError(`${zip.at}: zip: the lists differ in length (${shown})`, {
      hint: 'Zipped fields vary together, first value with first value: give each as many values.',
    });
  }
  return found;
}
