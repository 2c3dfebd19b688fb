// Two-level fractional factorial designs: which runs of a full factorial are done, and which effects cannot be told apart in them.
// G. E. P. Box and J. S. Hunter, "The 2^(k-p) fractional factorial designs", Technometrics 3 (1961).

/** A product of factors as a set of their indices, one bit each; 0 is the mean. */
export type Word = number;

export interface Generator {
  /** The factor that is set, by its index. */
  readonly factor: number;
  /** The product of others that it is set to. */
  readonly word: Word;
  readonly sign: 1 | -1;
}

export interface Fraction {
  /** Number of factors. */
  readonly factors: number;
  /** Products that are the same in every run: their words and that constant sign. */
  readonly defining: ReadonlyMap<Word, 1 | -1>;
  /** The shortest of these products; Infinity for a full factorial. */
  readonly resolution: number;
}

export function wordLength(word: Word): number {
  let count = 0;
  for (let rest = word; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/** The defining relation of some generators; undefined where they contradict each other or set a factor twice. */
export function fractionOf(factors: number, generators: readonly Generator[]): Fraction | undefined {
  let defining = new Map<Word, 1 | -1>([[0, 1]]);
  for (const { factor, word, sign } of generators) {
    const whole = word ^ (1 << factor);
    if (defining.has(whole)) return undefined;
    const products = [...defining].map(([other, otherSign]) => [other ^ whole, otherSign * sign] as [Word, 1 | -1]);
    defining = new Map([...defining, ...products]);
  }
  defining.delete(0);
  const lengths = [...defining.keys()].map(wordLength);
  return { factors, defining, resolution: Math.min(...lengths) };
}

/** Whether a run belongs to the fraction; `levels` has −1 for the first level of a factor and 1 for the second. */
export function isInFraction({ defining }: Fraction, levels: readonly (1 | -1)[]): boolean {
  return [...defining].every(([word, sign]) => product(word, levels) === sign);
}

/** The level of an effect in a run: the product of its factors' levels. */
export function product(word: Word, levels: readonly number[]): number {
  return levels.reduce((value, level, at) => (word & (1 << at) ? value * level : value), 1);
}

export interface Aliases {
  readonly effect: Word;
  /** Effects of at most `order` factors that are the same contrast, up to the sign, shortest first. */
  readonly aliases: readonly { readonly effect: Word; readonly sign: 1 | -1 }[];
}

/** Main effects and two-factor interactions with what each is aliased with, every set of aliases once under its shortest effect. */
export function aliasTable({ factors, defining }: Fraction, order = 2): Aliases[] {
  const effects = [...shortWords(factors, order)];
  const told = new Set<Word>();
  return effects.flatMap((effect): Aliases[] => {
    if (told.has(effect)) return [];
    const aliases = [...defining]
      .map(([word, sign]) => ({ effect: effect ^ word, sign }))
      .filter((alias) => wordLength(alias.effect) <= order && alias.effect !== 0)
      .sort((a, b) => compareWords(a.effect, b.effect));
    for (const alias of aliases) told.add(alias.effect);
    return [{ effect, aliases }];
  });
}

/** Words of 1 to `order` factors: A, B, …, AB, AC, …. */
function shortWords(factors: number, order: number): Word[] {
  const words = Array.from({ length: 2 ** factors - 1 }, (_, i) => i + 1);
  return words.filter((word) => wordLength(word) <= order).sort(compareWords);
}

/** Shorter first, then as their letters are ordered. */
export function compareWords(a: Word, b: Word): number {
  if (wordLength(a) !== wordLength(b)) return wordLength(a) - wordLength(b);
  const lowest = (a ^ b) & -(a ^ b);
  return a & lowest ? -1 : 1;
}
