// Sums over lists.

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, number) => all + number, 0);
}

/** The sum of what `value` says of each. */
export function sumOf<T>(list: readonly T[], value: (item: T) => number): number {
  return list.reduce((all, item) => all + value(item), 0);
}
