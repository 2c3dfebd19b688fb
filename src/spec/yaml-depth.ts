// How deeply a YAML text nests, measured without recursion.
import { type CST, Parser } from 'yaml';

/** The greatest nesting of maps and lists in `text`. */
export function nestingDepth(text: string): number {
  const stack: { token: CST.Token; depth: number }[] = [...new Parser().parse(text)].map((token) => ({
    token,
    depth: 0,
  }));
  let deepest = 0;
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { token, depth } = top;
    deepest = Math.max(deepest, depth);
    const push = (child: CST.Token | null | undefined, below: number) => {
      if (child) stack.push({ token: child, depth: below });
    };
    if (token.type === 'document') push(token.value, depth);
    if (!('items' in token)) continue;
    for (const item of token.items) {
      push(item.key, depth + 1);
      push(item.value, depth + 1);
    }
  }
  return deepest;
}
