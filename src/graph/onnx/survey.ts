// Looks at the wire format of an ONNX file before it is decoded, so that a small hostile file cannot become a huge object.
import { inputError } from '../../core/errors.ts';

/** Bounds on what a file may hold; far above real classifiers. */
export const LIMITS = {
  /** Nodes, tensors, attributes, names and the like. */
  items: 1_000_000,
  nodes: 50_000,
  /** Numbers in lists other than tensor contents, and whole numbers in `int64_data`. */
  listBytes: 8_000_000,
  /** Graphs within attributes of nodes. */
  depth: 8,
} as const;

interface Message {
  /** Fields that are messages themselves. */
  readonly children: Readonly<Record<number, string>>;
  /** Fields whose content is bulk that decoding does not blow up. */
  readonly bulk?: readonly number[];
}

const MESSAGES: Readonly<Record<string, Message>> = {
  model: { children: { 7: 'graph', 8: 'leaf', 14: 'leaf' } },
  graph: { children: { 1: 'node', 5: 'tensor', 11: 'value', 12: 'value', 13: 'value' }, bulk: [10] },
  node: { children: { 5: 'attribute' }, bulk: [6] },
  attribute: { children: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph' }, bulk: [4, 9, 13] },
  tensor: { children: { 13: 'leaf' }, bulk: [4, 5, 6, 9, 10, 12] },
  value: { children: { 2: 'type' } },
  type: { children: { 1: 'tensorType' } },
  tensorType: { children: { 2: 'shape' } },
  shape: { children: { 1: 'leaf' } },
  leaf: { children: {} },
};

interface Counts {
  items: number;
  nodes: number;
  listBytes: number;
}

/**
 * Walks the messages of an ONNX model.
 * @throws TriggerlabError (input) when the bytes are no protobuf message, or hold more than `LIMITS` allow.
 */
export function surveyModel(bytes: Uint8Array): void {
  walk(bytes, 0, bytes.length, 'model', 0, { items: 0, nodes: 0, listBytes: 0 });
}

function walk(bytes: Uint8Array, from: number, end: number, kind: string, depth: number, counts: Counts): void {
  const message = MESSAGES[kind];
  let at = from;
  while (at < end) {
    const [tag, afterTag] = varint(bytes, at, end);
    const field = Math.floor(tag / 8);
    const wire = tag % 8;
    if (field === 0) throw malformed();
    count(counts, 'items', 1);
    if (wire === 2) {
      const [length, start] = varint(bytes, afterTag, end);
      if (length > end - start) throw malformed();
      at = start + length;
      const child = message.children[field];
      if (child) enter(bytes, start, at, child, depth, counts);
      else if (!message.bulk?.includes(field)) count(counts, 'listBytes', length);
    } else {
      at = skipScalar(bytes, afterTag, end, wire);
    }
  }
}

function enter(bytes: Uint8Array, start: number, end: number, kind: string, depth: number, counts: Counts): void {
  if (kind === 'node') count(counts, 'nodes', 1);
  const deeper = kind === 'graph' ? depth + 1 : depth;
  if (deeper > LIMITS.depth) {
    throw inputError(`the ONNX file nests graphs more than ${LIMITS.depth} deep`, { hint: HINT });
  }
  walk(bytes, start, end, kind, deeper, counts);
}

/** Position after a varint, fixed64 or fixed32. Groups (wire types 3 and 4) do not occur in ONNX. */
function skipScalar(bytes: Uint8Array, at: number, end: number, wire: number): number {
  const next = wire === 0 ? varint(bytes, at, end)[1] : wire === 1 ? at + 8 : wire === 5 ? at + 4 : Number.NaN;
  if (!(next <= end)) throw malformed();
  return next;
}

function varint(bytes: Uint8Array, from: number, end: number): [value: number, next: number] {
  let value = 0;
  let scale = 1;
  for (let at = from; at < end && at < from + 10; at++) {
    value += (bytes[at] & 0x7f) * scale;
    if (bytes[at] < 0x80) return [value, at + 1];
    scale *= 128;
  }
  throw malformed();
}

const NAMES: Readonly<Record<keyof Counts, string>> = {
  items: 'entries',
  nodes: 'nodes',
  listBytes: 'bytes of names and lists',
};

function count(counts: Counts, what: keyof Counts, by: number): void {
  counts[what] += by;
  if (counts[what] <= LIMITS[what]) return;
  throw inputError(`the ONNX file has more than ${LIMITS[what]} ${NAMES[what]}`, { hint: HINT });
}

const HINT = 'An image classifier stays far below that: is it the right file?';

function malformed(): Error {
  return inputError('the file is not an ONNX model: its bytes are no protobuf message', {
    hint: 'It may be cut short, or of another format (a .pth, a Git LFS pointer); ONNX files usually end in .onnx.',
  });
}
