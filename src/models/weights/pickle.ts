// An unpickler that cannot execute anything: names become inert descriptions if they are on a list, everything else is refused.
import { PickleError, PickleInput } from './pickle-input.ts';
import { Machine } from './pickle-machine.ts';
import type { PickleValue } from './pickle-values.ts';

export interface Unpickled {
  readonly value: PickleValue;
  /** Ids of everything kept outside the pickle, in the order in which it names them. */
  readonly persistent: readonly PickleValue[];
  /** Position behind the pickle. */
  readonly end: number;
}

/**
 * Reads the pickle that begins at `start`.
 * @throws PickleError when it is malformed or exceeds a bound, ForbiddenGlobal when it names something not `allowed`.
 */
export function unpickle(bytes: Uint8Array, start: number, allowed: ReadonlySet<string>): Unpickled {
  const machine = new Machine(new PickleInput(bytes, start), allowed);
  for (;;) {
    const code = machine.input.uint8();
    if (code === STOP) return { value: machine.pop(), persistent: machine.persistent, end: machine.input.position };
    const step = STEPS.get(code);
    if (!step) throw new PickleError(`operation 0x${code.toString(16).padStart(2, '0')} in it is not known`);
    step(machine, machine.input);
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

function bytesOf(input: PickleInput, length: number): PickleValue {
  return { kind: 'bytes', bytes: input.take(length) };
}

function tuple(machine: Machine, length: number): void {
  const items = Array.from({ length }, () => machine.pop()).reverse();
  machine.push({ kind: 'tuple', items });
}

function textFloat(input: PickleInput): number {
  const text = input.line();
  if (!/^[-+]?(\d+\.?\d*(e[-+]?\d+)?|\.\d+(e[-+]?\d+)?|inf|nan)$/i.test(text)) {
    throw new PickleError('a number in it cannot be read');
  }
  return Number(text.replace(/inf/i, 'Infinity'));
}

/** A quoted text of protocol 0; only what needs no escapes is read. */
function quoted(text: string): string {
  const match = /^(['"])([^\\]*)\1$/.exec(text);
  if (!match) throw new PickleError('a quoted text in it cannot be read');
  return match[2];
}

type Step = (machine: Machine, input: PickleInput) => void;
const STOP = 0x2e;

/** The operations of protocols 0 to 4 that data needs. INST, OBJ, EXT and out-of-band buffers are missing on purpose. */
const STEPS: ReadonlyMap<number, Step> = new Map<number, Step>([
  [0x80, (_, i) => checkProtocol(i.uint8())],
  // A frame's length is no more than a hint to a reader of streams.
  [0x95, (_, i) => checkFrame(i.uint64())],
  [code('('), (m) => m.mark()],
  [code('0'), (m) => void m.pop()],
  [code('1'), (m) => void m.popMark()],
  [code('2'), (m) => m.push(m.top())],
  [code('N'), (m) => m.push(null)],
  [0x88, (m) => m.push(true)],
  [0x89, (m) => m.push(false)],
  [code('I'), (m, i) => m.push(textInteger(i))],
  [code('J'), (m, i) => m.push(i.int32())],
  [code('K'), (m, i) => m.push(i.uint8())],
  [code('M'), (m, i) => m.push(i.uint16())],
  [code('L'), (m, i) => m.push(i.decimal())],
  [0x8a, (m, i) => m.push(i.integer(i.uint8()))],
  [0x8b, (m, i) => m.push(i.integer(i.uint32()))],
  [code('F'), (m, i) => m.push(textFloat(i))],
  [code('G'), (m, i) => m.push(i.float64())],
  [code('S'), (m, i) => m.push(quoted(i.line()))],
  [code('T'), (m, i) => m.push(latin1(i.take(i.uint32())))],
  [code('U'), (m, i) => m.push(latin1(i.take(i.uint8())))],
  [code('V'), (m, i) => m.push(i.line())],
  [code('X'), (m, i) => m.push(i.text(i.uint32()))],
  [0x8c, (m, i) => m.push(i.text(i.uint8()))],
  [0x8d, (m, i) => m.push(i.text(i.uint64()))],
  [code('B'), (m, i) => m.push(bytesOf(i, i.uint32()))],
  [code('C'), (m, i) => m.push(bytesOf(i, i.uint8()))],
  [0x8e, (m, i) => m.push(bytesOf(i, i.uint64()))],
  [code(']'), (m) => m.push({ kind: 'list', items: [] })],
  [code('l'), (m) => m.push({ kind: 'list', items: m.popMark() })],
  [code('a'), (m) => m.extend('list', [m.pop()])],
  [code('e'), (m) => m.extend('list', m.popMark())],
  [code(')'), (m) => m.push({ kind: 'tuple', items: [] })],
  [code('t'), (m) => m.push({ kind: 'tuple', items: m.popMark() })],
  [0x85, (m) => tuple(m, 1)],
  [0x86, (m) => tuple(m, 2)],
  [0x87, (m) => tuple(m, 3)],
  [code('}'), (m) => m.push({ kind: 'dict', entries: [] })],
  [code('d'), (m) => m.markedDict()],
  [code('s'), (m) => m.setItems([m.pop(), m.pop()].reverse())],
  [code('u'), (m) => m.setItems(m.popMark())],
  [0x8f, (m) => m.push({ kind: 'set', items: [] })],
  [0x90, (m) => m.extend('set', m.popMark())],
  [code('c'), (m, i) => m.global(i.line(), i.line())],
  [0x93, (m) => stackGlobal(m)],
  [code('R'), (m) => reduce(m)],
  [0x81, (m) => reduce(m)],
  [code('b'), (m) => m.build()],
  [code('P'), (m, i) => m.keptOutside(i.line())],
  [code('Q'), (m) => m.keptOutside(m.pop())],
  [code('g'), (m, i) => m.get(i.decimal())],
  [code('h'), (m, i) => m.get(i.uint8())],
  [code('j'), (m, i) => m.get(i.uint32())],
  [code('p'), (m, i) => m.put(i.decimal())],
  [code('q'), (m, i) => m.put(i.uint8())],
  [code('r'), (m, i) => m.put(i.uint32())],
  [0x94, (m) => m.memoize()],
]);

function code(character: string): number {
  return character.charCodeAt(0);
}

function checkProtocol(version: number): void {
  if (version > 5) throw new PickleError(`it is written in pickle protocol ${version}`);
}

function checkFrame(length: number): void {
  if (length > 2 ** 32) throw new PickleError(`a frame in it has ${length} bytes`);
}

/** Protocol 0 writes booleans as the integers 00 and 01. */
function textInteger(input: PickleInput): number | bigint | boolean {
  const start = input.position;
  const text = input.line();
  if (text === '00' || text === '01') return text === '01';
  input.position = start;
  return input.decimal();
}

function stackGlobal(machine: Machine): void {
  const name = machine.pop();
  machine.global(machine.pop(), name);
}

function reduce(machine: Machine): void {
  const args = machine.pop();
  machine.call(machine.pop(), args);
}
