// Option values that are numbers: whole ones, seconds, sizes.
import { InvalidArgumentError } from 'commander';

/** Reads a whole number in [low, high]; commander turns the error into a usage message. */
export function wholeNumber(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < low || value > high) {
      throw new InvalidArgumentError(`expected a whole number from ${low} to ${high}.`);
    }
    return value;
  };
}

/** Reads seconds, parts of one too; commander turns the error into a usage message. */
export function secondsUpTo(high: number): (text: string) => number {
  return (text) => {
    if (!/^\d+(\.\d+)?$/.test(text) || Number(text) > high) {
      throw new InvalidArgumentError(`expected seconds from 0 to ${high}, such as 60 or 0.5.`);
    }
    return Number(text);
  };
}

const UNITS: Readonly<Record<string, number>> = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };

/** Reads a size such as `500MB` or `1.5 GB` (powers of 1000) as bytes; commander turns the error into a usage message. */
export function sizeInBytes(text: string): number {
  const [, number, unit = 'B'] = /^(\d+(?:\.\d+)?) ?([kMGT]?B)?$/.exec(text.trim()) ?? [];
  if (number === undefined || Number(number) === 0)
    throw new InvalidArgumentError('expected a size, such as 500MB or 8GB.');
  return Number(number) * UNITS[unit];
}
