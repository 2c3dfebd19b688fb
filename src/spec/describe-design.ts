// A fractional design in words: its size and resolution, the defining relation, and what each effect is aliased with.
import type { Design } from './experiment.ts';
import { aliasTable, compareWords, type Word } from './fraction.ts';

export interface DesignDescription {
  /** `2^(5−2)`. */
  readonly name: string;
  readonly resolution: number;
  /** `{A: 'model', …}`. */
  readonly factors: Readonly<Record<string, string>>;
  readonly generators: readonly string[];
  /** `I = ABD = ACE = BCDE`. */
  readonly definingRelation: string;
  /** Main effects and two-factor interactions; `aliases` has those that are the same contrast, with their sign. */
  readonly effects: readonly { readonly effect: string; readonly aliases: readonly string[] }[];
}

const ROMAN = ['0', 'I', 'II', 'III', 'IV', 'V', 'VI', 'VII', 'VIII', 'IX', 'X'];

export function describeDesign({ letters, fields, fraction, generators }: Design): DesignDescription {
  const word = (bits: Word, sign = 1) =>
    `${sign < 0 ? '−' : ''}${letters.filter((_, at) => bits & (1 << at)).join('')}`;
  const words = [...fraction.defining].sort(([a], [b]) => compareWords(a, b));
  return {
    name: `2^(${letters.length}−${generators.length})`,
    resolution: fraction.resolution,
    factors: Object.fromEntries(letters.map((letter, at) => [letter, fields[at]])),
    generators: generators.map((text) => text.replace(/[\s*]/g, '').replace('-', '−').replace('=', ' = ')),
    definingRelation: ['I', ...words.map(([bits, sign]) => word(bits, sign))].join(' = '),
    effects: aliasTable(fraction).map(({ effect, aliases }) => ({
      effect: word(effect),
      aliases: aliases.map((alias) => word(alias.effect, alias.sign)),
    })),
  };
}

/** Lines for people. */
export function designLines(design: Design): string[] {
  const { name, resolution, factors, generators, definingRelation, effects } = describeDesign(design);
  const named = Object.entries(factors).map(([letter, field]) => `${letter} ${field}`);
  const clear = effects.filter(({ aliases }) => aliases.length === 0).map(({ effect }) => effect);
  const mixed = effects
    .filter(({ aliases }) => aliases.length > 0)
    .map(({ effect, aliases }) => [effect, ...aliases].join(' = '));
  return [
    `Design: ${name} fraction of resolution ${ROMAN[resolution] ?? resolution}, ${generators.join(', ')} (${named.join(', ')})`,
    `Defining relation: ${definingRelation}`,
    ...(mixed.length > 0 ? [`Cannot be told apart (up to two factors): ${mixed.join('; ')}`] : []),
    ...(clear.length > 0 ? [`Clear of each other: ${clear.join(', ')}`] : []),
  ];
}
