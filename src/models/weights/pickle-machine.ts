// The stack machine that pickles are programs for, with bounds on all it holds. It builds descriptions and calls nothing.
import { PickleError, type PickleInput } from './pickle-input.ts';
import { isObject, type PickleValue } from './pickle-values.ts';

/** Bounds far above what the largest network needs (a ResNet-152 has 932 tensors and about 70,000 steps). */
const MAX_OBJECTS = 1_000_000;
const MAX_STACK = 200_000;
const MAX_MARKS = 1000;

const ORDERED_DICT = 'collections.OrderedDict';
/** Python 2's names of modules. */
const RENAMED = new Map([
  ['__builtin__', 'builtins'],
  ['copy_reg', 'copyreg'],
]);

/** Thrown when a pickle asks for something that is not on the list. */
export class ForbiddenGlobal extends PickleError {
  readonly global: string;
  constructor(name: string) {
    super(`it asks for "${name}"`);
    this.global = name;
  }
}

export class Machine {
  readonly input: PickleInput;
  readonly persistent: PickleValue[] = [];
  readonly #allowed: ReadonlySet<string>;
  readonly #memo = new Map<number, PickleValue>();
  /** Values above each mark; the innermost stack last. */
  #stack: PickleValue[] = [];
  readonly #outer: PickleValue[][] = [];
  #objects = 0;
  #depth = 0;

  constructor(input: PickleInput, allowed: ReadonlySet<string>) {
    this.input = input;
    this.#allowed = allowed;
  }

  push(value: PickleValue): void {
    if (this.#depth + this.#stack.length >= MAX_STACK) throw new PickleError('it nests too much');
    if (value !== null && typeof value === 'object') this.#count(1);
    this.#stack.push(value);
  }

  /** Objects made, entries of dictionaries among them: a few bytes can ask for many. */
  #count(objects: number): void {
    this.#objects += objects;
    if (this.#objects > MAX_OBJECTS) throw new PickleError(`it has more than ${MAX_OBJECTS} objects`);
  }

  pop(): PickleValue {
    const value = this.#stack.pop();
    if (value === undefined) throw new PickleError('it takes more than it put');
    return value;
  }

  top(): PickleValue {
    const value = this.#stack.at(-1);
    if (value === undefined) throw new PickleError('it takes more than it put');
    return value;
  }

  mark(): void {
    if (this.#outer.length >= MAX_MARKS) throw new PickleError('it nests too much');
    this.#depth += this.#stack.length;
    this.#outer.push(this.#stack);
    this.#stack = [];
  }

  /** Everything above the last mark, which goes away. */
  popMark(): PickleValue[] {
    const items = this.#stack;
    const outer = this.#outer.pop();
    if (!outer) throw new PickleError('it closes what it did not open');
    this.#stack = outer;
    this.#depth -= outer.length;
    return items;
  }

  put(index: number | bigint): void {
    if (typeof index === 'bigint' || index < 0) throw new PickleError('it remembers under no number');
    if (this.#memo.size >= MAX_OBJECTS) throw new PickleError(`it remembers more than ${MAX_OBJECTS} objects`);
    this.#memo.set(index, this.top());
  }

  get(index: number | bigint): void {
    const value = typeof index === 'number' ? this.#memo.get(index) : undefined;
    if (value === undefined) throw new PickleError('it recalls what it did not remember');
    this.push(value);
  }

  memoize(): void {
    this.put(this.#memo.size);
  }

  /** Items for the list, set or dictionary below them. */
  extend(kind: 'list' | 'set', items: readonly PickleValue[]): void {
    const target = this.top();
    if (!isObject(target, kind)) throw new PickleError(`it adds to what is no ${kind}`);
    for (const item of items) target.items.push(item);
  }

  setItems(items: readonly PickleValue[]): void {
    const target = this.top();
    if (!isObject(target, 'dict')) throw new PickleError('it sets items of what is no dictionary');
    for (const pair of this.#pairs(items)) target.entries.push(pair);
  }

  global(module: PickleValue, name: PickleValue): void {
    if (typeof module !== 'string' || typeof name !== 'string') throw new PickleError('a name in it is no text');
    const full = `${RENAMED.get(module) ?? module}.${name}`;
    if (!this.#allowed.has(full)) throw new ForbiddenGlobal(full.slice(0, 120));
    this.push({ kind: 'global', name: full });
  }

  /** Notes that `callee` would be called. Only an OrderedDict becomes what it is: a dictionary. */
  call(callee: PickleValue, args: PickleValue): void {
    if (!isObject(callee, 'global')) throw new PickleError('it calls what is no function');
    if (!isObject(args, 'tuple')) throw new PickleError('it calls with no tuple');
    if (callee.name === ORDERED_DICT) {
      this.push({ kind: 'dict', entries: args.items.length === 0 ? [] : this.#orderedPairs(args.items[0]) });
    } else {
      this.push({ kind: 'call', name: callee.name, args: args.items });
    }
  }

  keptOutside(id: PickleValue): void {
    this.push({ kind: 'persistent', id });
    this.persistent.push(id);
  }

  /** State for an object: PyTorch gives one to OrderedDicts (`_metadata`), which weights do not need. */
  build(): void {
    this.pop();
    if (!isObject(this.top(), 'dict')) throw new PickleError('it sets the state of what is no dictionary');
  }

  /** A dictionary of what lies above the last mark. */
  markedDict(): void {
    this.push({ kind: 'dict', entries: this.#pairs(this.popMark()) });
  }

  /** Alternating keys and values as pairs. */
  #pairs(items: readonly PickleValue[]): [PickleValue, PickleValue][] {
    if (items.length % 2 === 1) throw new PickleError('a key in it has no value');
    this.#count(items.length / 2);
    return Array.from({ length: items.length / 2 }, (_, i) => [items[2 * i], items[2 * i + 1]]);
  }

  /** The argument of `OrderedDict([[key, value], …])`, as Python 2 wrote it. */
  #orderedPairs(list: PickleValue): [PickleValue, PickleValue][] {
    if (!isObject(list, 'list')) throw new PickleError('an OrderedDict in it is made of no list');
    this.#count(list.items.length);
    return list.items.map((pair) => {
      if ((!isObject(pair, 'list') && !isObject(pair, 'tuple')) || pair.items.length !== 2) {
        throw new PickleError('an OrderedDict in it is made of no pairs');
      }
      return [pair.items[0], pair.items[1]];
    });
  }
}
