// What pickles describe, as inert values.

/** What a pickle describes. Objects may be shared and may even contain themselves: walk them with a bound. */
export type PickleValue = null | boolean | number | bigint | string | PickleObject;
export type PickleObject =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'tuple'; readonly items: PickleValue[] }
  | { readonly kind: 'list'; readonly items: PickleValue[] }
  | { readonly kind: 'set'; readonly items: PickleValue[] }
  | { readonly kind: 'dict'; readonly entries: [PickleValue, PickleValue][] }
  /** A class or function by its full name; never looked up. */
  | { readonly kind: 'global'; readonly name: string }
  /** What calling it would have made; never called. */
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly PickleValue[] }
  /** Something kept outside the pickle. */
  | { readonly kind: 'persistent'; readonly id: PickleValue };

/** Whether a value is an object of this kind. */
export function isObject<K extends PickleObject['kind']>(
  value: PickleValue | undefined,
  kind: K,
): value is Extract<PickleObject, { kind: K }> {
  return typeof value === 'object' && value !== null && value.kind === kind;
}
