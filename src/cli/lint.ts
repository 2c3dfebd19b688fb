// `triggerlab lint`: whether the triggers of an experiment survive the preprocessing, before anything is trained.
import type { Command } from 'commander';
import { finish, withSet } from './command.ts';
import { lintDocument, lintText } from './lint-output.ts';
import { lintSpec } from './load-lint.ts';
import { loadSpec } from './load-plan.ts';
import { print, printJson } from './output.ts';

interface Options {
  readonly set: string[];
  readonly out?: string;
  readonly json?: boolean;
}

export function registerLint(program: Command): void {
  const command = program
    .command('lint')
    .argument('<spec>', 'experiment spec (YAML)')
    .description(
      'check the triggers of an experiment before it runs: seen, cut off, identical, invisible; exit code 1 on errors',
    )
    .option(
      '--out <directory>',
      'write a picture of the triggers of each finding there, before preprocessing and after',
    );
  finish(withSet(command), [
    'lint suites/quick.yaml',
    'lint suites/sok.yaml --set preset=paper-code --out lint',
    'lint suites/sok.yaml --json',
  ]).action(lintCommand);
}

async function lintCommand(file: string, { set, out, json }: Options): Promise<void> {
  const loaded = await loadSpec(file, set);
  const { result, more: pictures = new Map() } = await lintSpec(loaded, async (found, runtime) => {
    if (out === undefined) return undefined;
    // Loaded here because it brings in the image encoder.
    const { writeLintPictures } = await import('../report/lint-pictures.ts');
    return writeLintPictures(found, { ...found, catalog: loaded.catalog, runtime, directory: out });
  });
  if (json) printJson(lintDocument(result, pictures));
  else print(lintText(result, pictures));
  if (result.findings.some(({ severity }) => severity === 'error')) process.exitCode = 1;
}
