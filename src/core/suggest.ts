// "Did you mean": the nearest known name to a mistyped one.

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      row[j] = Math.min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    previous = row;
  }
  return previous[b.length];
}

/** The known name that `given` is the beginning of, or the nearest to it, or undefined when none is near enough to be a likely slip. */
export function nearest(given: string, known: Iterable<string>): string | undefined {
  const plain = (name: string) => name.toLowerCase().replace(/[-_\s]/g, '');
  const text = given.slice(0, 64);
  let best: { name: string; distance: number } | undefined;
  const names = [...known];
  const begun = names.filter((name) => text.length >= 3 && plain(name).startsWith(plain(text)));
  if (begun.length === 1) return begun[0];
  for (const name of names) {
    const distance = editDistance(plain(text), plain(name));
    if (!best || distance < best.distance) best = { name, distance };
  }
  const limit = Math.max(2, Math.floor(text.length / 3));
  return best && best.distance <= limit && best.distance < text.length ? best.name : undefined;
}

/** ` Did you mean "x"?` or a list of what there is, to end an error message with. */
export function didYouMean(given: string, known: readonly string[]): string {
  const name = nearest(given, known);
  return name ? `Did you mean "${name}"?` : `Known: ${known.join(', ')}.`;
}
