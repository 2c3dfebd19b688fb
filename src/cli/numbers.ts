// Option values that are whole numbers.
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
