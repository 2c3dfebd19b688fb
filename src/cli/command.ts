// What the commands share: how one is registered, its examples, and the options that many of them take.
import { type Command, Option } from 'commander';

/** Adds one command to the program: what every file of a command exports. */
export type RegisterCommand = (program: Command) => void;

/** Adds `--json` and examples to a command; examples are written without the program's name. */
export function finish(command: Command, examples: readonly string[]): Command {
  const lines = examples.map((example) => `  $ triggerlab ${example}`);
  return command
    .option('--json', 'print one JSON document on stdout')
    .addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}

/** Adds the repeatable `--set field=value,…`; its values arrive as `set: string[]`. */
export function withSet(command: Command): Command {
  const set = new Option(
    '--set <field=value,…>',
    'change a field of the spec (repeatable), such as training.epochs=1 or preset=paper-text',
  );
  return command.addOption(set.argParser<string[]>((text, before) => [...before, text]).default([], 'none'));
}
