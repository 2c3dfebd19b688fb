// The engine's maker is not told what it is used for, and nothing of that is left on the disk.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const built = (file: string) => pathToFileURL(resolve(import.meta.dirname, '../dist', file)).href;

it('leaves no identifier, cache or log of the engine behind', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'no-telemetry-'));
  try {
    const home = join(folder, 'home');
    await mkdir(home);
    const program = `
      import { Graph } from ${JSON.stringify(built('graph/graph.js'))};
      import { mul } from ${JSON.stringify(built('graph/ops/mul.js'))};
      import { Runtime } from ${JSON.stringify(built('runtime/node.js'))};
      const graph = new Graph();
      graph.output('y', mul(graph.input('x', 'float32', ['N']), graph.scalar(2)));
      const runtime = new Runtime({ threads: 1 });
      await runtime.open(graph);
      await runtime.close();
      console.log('opened');`;
    const { ORT_DISABLE_TELEMETRY: _, ...rest } = process.env;
    const env = { ...rest, TMPDIR: folder, HOME: home, XDG_CACHE_HOME: home };
    const run = promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], { env });
    expect((await run).stdout).toBe('opened\n');
    expect(await readdir(folder, { recursive: true })).toEqual(['home']);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
