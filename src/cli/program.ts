// The program around the commands: parsing, help, version, and how every error ends.
import { Command, CommanderError } from 'commander';
import { packageVersion } from '../core/version.ts';
import type { RegisterCommand } from './command.ts';
import type { LazyCommand } from './commands.ts';
import { reportError, reportUsage } from './output.ts';

/** Parses the arguments after the program's name, loads that command alone, does it, and gives the exit code. */
export async function runProgram(
  commands: readonly (LazyCommand | RegisterCommand)[],
  args: readonly string[],
): Promise<number> {
  const program = new Command('triggerlab')
    .description('Finds out whether, why and how an image classifier can be backdoored, and whether it can be noticed.')
    .version(packageVersion, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 the work failed, 2 bad usage or input.\nStart with: triggerlab run suites/quick.yaml',
    );
  const [first, second] = args.filter((text) => !text.startsWith('-'));
  const wanted = first === 'help' ? second : first;
  for (const command of commands) {
    if (typeof command === 'function') command(program);
    else if (command.name === wanted) (await command.load())(program);
    else program.command(`${command.name} ${command.usage}`).description(command.summary);
  }
  const options = args.includes('--') ? args.slice(0, args.indexOf('--')) : args;
  const json = options.includes('--json');
  try {
    await program.parseAsync(args, { from: 'user' });
    // A command that ended in order may still have set an exit code, for work that failed or was interrupted.
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (!(error instanceof CommanderError)) return reportError(error, json);
    if (error.exitCode === 0) return 0;
    // Help that was printed because a command was missing has said all there is to say.
    if (error.code === 'commander.help') return 2;
    return reportUsage(usageFault(error.message), json);
  }
}

/** Takes apart the parser's message: `error: unknown command 'plna'\n(Did you mean plan?)`. */
function usageFault(text: string): { message: string; hint: string } {
  const [message, suggestion] = text.replace(/^error: /, '').split('\n', 2);
  const hint =
    /^\((.*)\)$/.exec(suggestion ?? '')?.[1] ?? 'triggerlab --help lists the commands; COMMAND --help explains one.';
  return { message, hint };
}
