// The state dict inside what `torch.save` was given: the thing itself, or a checkpoint that holds it under some key.
import { PickleError } from './pickle-input.ts';
import { isObject, type PickleValue } from './pickle-values.ts';

/** Keys under which training programs keep the model's tensors, the commonest first. */
const WRAPPERS = ['state_dict', 'model_state_dict', 'model', 'net', 'network', 'module', 'params', 'weights'];
const MAX_TENSORS = 100_000;

/**
 * The named tensors of a state dict; other values in it are left out. `view` reads a tensor's description and answers
 * undefined for anything else.
 * @throws PickleError when there are none, or several dictionaries hold tensors and none has a usual name.
 */
export function stateDictOf<T>(value: PickleValue, view: (value: PickleValue) => T | undefined): Map<string, T> {
  const own = tensorsIn(value, view);
  if (own.size > 0) return own;
  const members = isObject(value, 'dict') ? value.entries : [];
  const found: { key: string; tensors: Map<string, T> }[] = [];
  // One dictionary may stand under many keys: it is looked at once.
  const known = new Map<PickleValue, Map<string, T>>();
  for (const [key, member] of members.slice(0, 1000)) {
    if (typeof key !== 'string') continue;
    const tensors = known.get(member) ?? tensorsIn(member, view);
    known.set(member, tensors);
    if (tensors.size > 0) found.push({ key, tensors });
  }
  const usual = WRAPPERS.flatMap((name) => found.filter(({ key }) => key === name));
  const chosen = usual[0] ?? (found.length === 1 ? found[0] : undefined);
  if (chosen) return chosen.tensors;
  if (found.length === 0) throw new PickleError('it holds no state dict (a dictionary from names to tensors)');
  throw new PickleError(
    `several dictionaries in it hold tensors: ${found
      .map(({ key }) => key)
      .join(', ')
      .slice(0, 200)}`,
  );
}

function tensorsIn<T>(value: PickleValue, view: (value: PickleValue) => T | undefined): Map<string, T> {
  const tensors = new Map<string, T>();
  if (!isObject(value, 'dict')) return tensors;
  for (const [key, member] of value.entries) {
    if (typeof key !== 'string') continue;
    const tensor = view(member);
    if (tensor === undefined) continue;
    tensors.set(key, tensor);
    if (tensors.size > MAX_TENSORS) throw new PickleError(`it holds more than ${MAX_TENSORS} tensors`);
  }
  return tensors;
}
