// Reads a spec file with every guard against hostile or broken text, and knows the line and column of each value.
import { readFileSync, statSync } from 'node:fs';
import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
} from 'yaml';
import { inputError, messageOf, type TriggerlabError } from '../core/errors.ts';
import { nestingDepth } from './yaml-depth.ts';

const MAX_BYTES = 1_000_000;
const MAX_DEPTH = 50;
const MAX_ALIASES = 20;

export type Path = readonly PropertyKey[];

/** A spec as plain data, together with where each part of it was written. */
export interface Source {
  readonly value: unknown;
  /** `file:line:column` of the value at a path, or of its key where `key` is given; the nearest part that was written. */
  locate(path: Path, key?: string): string;
}

/**
 * The text of a spec file.
 * @throws TriggerlabError (input) for a path that is no readable regular file of UTF-8 text of at most 1 MB.
 */
export function readSpecFile(file: string): string {
  let bytes: Uint8Array;
  try {
    const stats = statSync(file);
    if (stats.isDirectory()) throw inputError(`${file} is a directory`, { hint: 'Name a YAML file in it.' });
    if (!stats.isFile()) throw inputError(`${file} is not a regular file`, { hint: 'Save the spec to a file.' });
    if (stats.size > MAX_BYTES) {
      throw inputError(`${file} has ${stats.size} bytes; a spec has at most ${MAX_BYTES}`, { hint: 'Is it a spec?' });
    }
    bytes = readFileSync(file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === undefined) throw error;
    if (code === 'ENOENT') throw inputError(`${file}: no such file`, { hint: 'Check the path; suites/ has examples.' });
    const reason = code === 'EACCES' || code === 'EPERM' ? 'no permission to read it' : messageOf(error);
    throw inputError(`${file}: cannot be read: ${reason}`, {
      hint: 'Check the path and its permissions.',
      cause: error,
    });
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (!text.includes('\0')) return text;
  } catch {
    // Not UTF-8: told below.
  }
  throw inputError(`${file} is not text`, { hint: 'A spec is a YAML file in UTF-8.' });
}

/**
 * Parses one YAML document whose top level is a map.
 * @throws TriggerlabError (input) with line and column for anything else.
 */
export function parseYaml(text: string, file: string): Source {
  const lines = new LineCounter();
  const document = readDocument(text, file, lines);
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const root = document.contents;
  if (root === null) throw inputError(`${file} is empty`, { hint: 'suites/quick.yaml is an example to start from.' });
  if (!isMap(root)) {
    const found = isSeq(root) ? 'a list' : 'a single value';
    throw inputError(`${place(offsetOf(root))}: expected a map of fields such as "name: …", found ${found}`);
  }
  checkNode(root, document, place);
  return { value: toPlain(document, file), locate: (path, key) => place(locate(document, root, path, key)) };
}

function readDocument(text: string, file: string, lines: LineCounter): Document {
  // Deep nesting would exhaust the stack of the recursive composer, so it is measured first.
  if (nestingDepth(text) > MAX_DEPTH) {
    throw inputError(`${file} is nested more than ${MAX_DEPTH} levels deep`, { hint: 'A spec needs about four.' });
  }
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  const fault = document.errors[0] ?? document.warnings[0];
  if (fault) throw yamlError(fault.code, fault.message, file, lines.linePos(fault.pos[0]), text);
  if (document.directives?.yaml.explicit === true && document.directives.yaml.version !== '1.2') {
    throw inputError(`${file}:1:1: expected YAML 1.2, found YAML ${document.directives.yaml.version}`);
  }
  return document;
}

function yamlError(
  code: string,
  message: string,
  file: string,
  at: { line: number; col: number },
  text: string,
): TriggerlabError {
  const place = `${file}:${at.line}:${at.col}`;
  switch (code) {
    case 'DUPLICATE_KEY': {
      const key = /^[^\s:]+/.exec(text.split('\n')[at.line - 1].slice(at.col - 1))?.[0] ?? '';
      return inputError(`${place}: the key "${key}" is given twice in the same map`, {
        hint: 'Keep one; several values go in a list: [a, b].',
      });
    }
    case 'MULTIPLE_DOCS':
      return inputError(`${place}: a second document begins here`, {
        hint: 'A spec file holds one document: one file per experiment.',
      });
    case 'TAB_AS_INDENT':
      return inputError(`${place}: a tab is used as indentation`, { hint: 'YAML is indented with spaces.' });
    default:
      return inputError(`${place}: not valid YAML: ${message}`, {
        hint: 'Check brackets, quotes and indentation near there.',
      });
  }
}

/** Refuses keys that are no plain text, and aliases that hold themselves. */
function checkNode(node: unknown, document: Document, place: (offset: number) => string): void {
  if (isAlias(node)) {
    const target = node.resolve(document);
    if (!target) throw inputError(`${place(offsetOf(node))}: the alias *${node.source} has no anchor before it`);
    if (offsetOf(target) <= offsetOf(node) && offsetOf(node) < (target.range?.[1] ?? 0)) {
      throw inputError(`${place(offsetOf(node))}: the alias *${node.source} stands inside its own anchor`);
    }
    return;
  }
  if (!isCollection(node)) return;
  for (const item of node.items) {
    if (!isMap(node)) {
      checkNode(item, document, place);
      continue;
    }
    const { key, value } = item as { key: unknown; value: unknown };
    if (!isScalar(key) || key.value === null || key.value === '__proto__') {
      throw inputError(`${place(offsetOf(key))}: expected a field name before ":"`, {
        hint: 'Quote names that hold special characters.',
      });
    }
    checkNode(value, document, place);
  }
}

function toPlain(document: Document, file: string): unknown {
  try {
    return clone(document.toJS({ maxAliasCount: MAX_ALIASES }));
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    throw inputError(`${file}: its aliases expand to too much`, {
      hint: `Write the values out: at most ${MAX_ALIASES} uses of *aliases.`,
    });
  }
}

/** A copy that shares nothing, although aliases share in what the parser returns. */
export function clone(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(clone);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, clone(member)]));
}

function offsetOf(node: unknown): number {
  return (node as Node | null)?.range?.[0] ?? 0;
}

function locate(document: Document, root: Node, path: Path, key: string | undefined): number {
  let node: unknown = root;
  let offset = offsetOf(root);
  const descend = (step: PropertyKey): { key: unknown; value: unknown } | undefined => {
    const here = isAlias(node) ? node.resolve(document) : node;
    if (isSeq(here))
      return typeof step === 'number' && step in here.items ? { key: undefined, value: here.items[step] } : undefined;
    if (!isMap(here)) return undefined;
    const pair = here.items.find((item) => isScalar(item.key) && String(item.key.value) === String(step));
    return pair && { key: pair.key, value: pair.value };
  };
  for (const step of path) {
    const next = descend(step);
    if (!next) return offset;
    node = next.value;
    offset = hasRange(node) ? offsetOf(node) : offsetOf(next.key);
  }
  const pair = key === undefined ? undefined : descend(key);
  return pair ? offsetOf(pair.key) : offset;
}

/** Empty values have a range where nothing is seen; the key is the better place to point at. */
function hasRange(node: unknown): boolean {
  return (
    node !== null && (node as Node).range != null && !(isScalar(node) && node.value === null && node.source === '')
  );
}
