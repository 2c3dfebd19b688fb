#!/usr/bin/env node
// The command line: every command is a file of its own and one line of the table in commands.ts.
import { commands } from './commands.ts';
import { endQuietlyWithoutReader } from './output.ts';
import { runProgram } from './program.ts';

endQuietlyWithoutReader();
process.exitCode = await runProgram(commands, process.argv.slice(2));
