// `triggerlab preview`: what the triggers of an experiment look like, and what the model sees of them.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { loadDataset } from '../data/loaded.ts';
import { finish, withSet } from './command.ts';
import { loadSpec } from './load-plan.ts';
import { log, print, printJson } from './output.ts';
import { Progress } from './progress.ts';

interface Options {
  readonly set: string[];
  readonly out: string;
  readonly json?: boolean;
}

export function registerPreview(program: Command): void {
  const command = program
    .command('preview')
    .argument('<spec>', 'experiment spec (YAML)')
    .description('draw the triggers of an experiment: as stamped, as the model sees them, and what changes')
    .requiredOption('--out <directory>', 'where to write PNG files and index.html; made when it does not exist');
  finish(withSet(command), [
    'preview suites/quick.yaml --out preview',
    'preview suites/sok.yaml --set preset=paper-code --out preview',
  ]).action(previewCommand);
}

async function previewCommand(file: string, { set, out, json }: Options): Promise<void> {
  const { plan, catalog } = await loadSpec(file, set);
  // Loaded here because they bring in the engine and the image encoder, which a faulty spec should not wait for.
  const [{ writePreview }, { Runtime }] = await Promise.all([
    import('../report/write-preview.ts'),
    import('../runtime/node.ts'),
  ]);
  const runtime = new Runtime({ threads: 1 });
  const progress = new Progress();
  try {
    const { html, files, notes } = await writePreview({
      ...{ plan, catalog, runtime, load: loadDataset, directory: out },
      onProgress: (text, share) => progress.update(share, text),
    });
    progress.end();
    for (const note of notes) log(`note: ${note}`);
    if (json) printJson({ experiment: plan.name, html, files, notes });
    else print(`${resolve(html)}\n${files.length} files in ${out}`);
  } finally {
    progress.end();
    await runtime.close();
  }
}
