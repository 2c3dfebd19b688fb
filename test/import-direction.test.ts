// The architecture as a test: imports go down the list of folders only, files stay small, tests are imported by none.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { expect, test } from 'vitest';

/** From the ground up: a folder may import from itself and from those before it. */
const ORDER = [
  'core',
  'graph',
  'runtime',
  'models',
  'data',
  'triggers',
  'train',
  'metrics',
  'explain',
  'defenses',
  'spec',
  'store',
  'queue',
  'runner',
  'analysis',
  'lint',
  'report',
  'server',
  'cli',
];
/** Packages that one file alone may know. */
const KEPT_APART: Readonly<Record<string, string>> = {
  'onnxruntime-node': 'runtime/node.ts',
  'onnxruntime-web': 'runtime/web.ts',
};
const GENERATED = ['graph/onnx/onnx_pb.ts'];
const MAX_LINES = 300;

const root = resolve('src');

interface Source {
  readonly path: string;
  readonly lines: number;
  readonly imports: readonly string[];
}

function sources(): Source[] {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  return files.map((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    return { path: file.split(sep).join('/'), lines: text.trimEnd().split('\n').length, imports: importsOf(text) };
  });
}

/** Every module that a text imports or exports from, statically or dynamically, as a type or a value. */
function importsOf(text: string): string[] {
  const plain = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  const found = plain.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*)(['"])([^'"\n]+)\1/g);
  return [...found].map((match) => match[2]);
}

const isTest = (path: string) => /\.(test|fixture)\.ts$/.test(path);

/** What is wrong with importing `specifier` from the file `path`; undefined when nothing is. */
function fault(path: string, specifier: string): string | undefined {
  const keeper = KEPT_APART[specifier];
  if (keeper && keeper !== path) return `${path} imports ${specifier}, which only ${keeper} may`;
  if (!specifier.startsWith('.')) return undefined;
  const target = relative(root, resolve(root, dirname(path), specifier))
    .split(sep)
    .join('/');
  if (isTest(path)) return undefined;
  if (isTest(target) || target.startsWith('..')) return `${path} imports ${target}, which is not part of the program`;
  const from = ORDER.indexOf(path.split('/')[0]);
  const to = ORDER.indexOf(target.split('/')[0]);
  // The package's own entry point, src/index.ts, stands above every folder.
  if (!path.includes('/')) return undefined;
  if (from < 0) return `${path} is in a folder that the order does not name`;
  return to >= 0 && to <= from ? undefined : `${path} imports ${target}, which is above it`;
}

const all = sources();

test('imports go down only', () => {
  expect(all.length).toBeGreaterThan(30);
  expect(all.flatMap(({ path, imports }) => imports.flatMap((specifier) => fault(path, specifier) ?? []))).toEqual([]);
});

test('relative imports name a file with its ending', () => {
  const paths = new Set(all.map(({ path }) => path));
  const lost = all
    .filter(({ path }) => !isTest(path))
    .flatMap(({ path, imports }) =>
      imports
        .filter((specifier) => specifier.startsWith('.'))
        .filter(
          (specifier) =>
            !paths.has(
              relative(root, resolve(root, dirname(path), specifier))
                .split(sep)
                .join('/'),
            ),
        )
        .map((specifier) => `${path}: ${specifier}`),
    );
  expect(lost).toEqual([]);
});

test(`no file has more than ${MAX_LINES} lines`, () => {
  const long = all.filter(({ path, lines }) => lines > MAX_LINES && !GENERATED.includes(path));
  expect(long.map(({ path, lines }) => `${path}: ${lines}`)).toEqual([]);
});

test('the rules see what they are meant to see', () => {
  expect(
    importsOf("import { a } from './a.ts';\nimport type { B } from \"../b.ts\";\nexport * from './c.ts';"),
  ).toEqual(['./a.ts', '../b.ts', './c.ts']);
  expect(importsOf("import './d.ts';\nconst e = await import('./e.ts');\n// import './f.ts'\n")).toEqual([
    './d.ts',
    './e.ts',
  ]);
  expect(fault('core/a.ts', '../spec/plan.ts')).toMatch(/above/);
  expect(fault('spec/a.ts', '../core/errors.ts')).toBeUndefined();
  expect(fault('spec/a.ts', './b.ts')).toBeUndefined();
  expect(fault('spec/a.ts', './plan.test.ts')).toMatch(/not part/);
  expect(fault('spec/a.ts', '../../test/support/x.ts')).toMatch(/not part/);
  expect(fault('elsewhere/a.ts', '../core/errors.ts')).toMatch(/does not name/);
});
