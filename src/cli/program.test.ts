import { Command } from 'commander';
import { expect, test, vi } from 'vitest';
import { failedError, inputError } from '../core/errors.ts';
import { packageVersion } from '../core/version.ts';
import { finish, type RegisterCommand, withSet } from './command.ts';
import { commands } from './commands.ts';
import { hearOutput } from './heard.fixture.ts';
import { print, printJson } from './output.ts';
import { runProgram } from './program.ts';

const heard = hearOutput();

const acts: Record<string, () => void> = {
  fine: () => {},
  input: () => {
    throw inputError('spec.yaml:1:1: wrong', { hint: 'Do this.' });
  },
  failed: () => {
    throw failedError('the disk is full');
  },
  defect: () => {
    throw new TypeError('x is not a function');
  },
};

const registerAct: RegisterCommand = (program) => {
  finish(withSet(program.command('act').argument('<how>')), ['act fine']).action((how: string, options) => {
    acts[how]();
    if (options.json) printJson({ how, set: options.set });
    else print(`did ${how}`);
  });
};

const run = (...args: string[]) =>
  runProgram([{ name: 'act', usage: '<how>', summary: 'act', load: async () => registerAct }], args);

test('a command that succeeds: exit 0, its result on stdout', async () => {
  expect(await run('act', 'fine')).toBe(0);
  expect(heard).toEqual({ stdout: 'did fine\n', stderr: '' });
});

test('--json prints one document; --set is repeatable', async () => {
  expect(await run('act', 'fine', '--json', '--set', 'a=1', '--set', 'b=2')).toBe(0);
  expect(JSON.parse(heard.stdout)).toEqual({ schemaVersion: 1, how: 'fine', set: ['a=1', 'b=2'] });
});

test.each([
  ['input', 2, 'error: spec.yaml:1:1: wrong\n  Do this.\n'],
  ['failed', 1, 'error: the disk is full\n'],
])('%s error: exit %i', async (how, code, message) => {
  expect(await run('act', how)).toBe(code);
  expect(heard).toEqual({ stdout: '', stderr: message });
});

test('a defect: exit 1, a request to report it, no stack unless asked for', async () => {
  expect(await run('act', 'defect')).toBe(1);
  expect(heard.stderr).toMatch(/unexpected: x is not a function\n.*please report it/);
  expect(heard.stderr).not.toMatch(/at .*program\.test/);
  vi.stubEnv('TRIGGERLAB_DEBUG', '1');
  expect(await run('act', 'defect')).toBe(1);
  expect(heard.stderr).toMatch(/at .*program\.test/);
  vi.unstubAllEnvs();
});

test('errors with --json are one document on stdout', async () => {
  expect(await run('act', 'input', '--json')).toBe(2);
  expect(JSON.parse(heard.stdout)).toEqual({
    schemaVersion: 1,
    error: { kind: 'input', message: 'spec.yaml:1:1: wrong', hint: 'Do this.' },
  });
  heard.stdout = '';
  expect(await run('act', '--json')).toBe(2);
  expect(JSON.parse(heard.stdout).error).toMatchObject({ kind: 'input', message: "missing required argument 'how'" });
});

test.each([
  [['atc', 'fine'], /^error: unknown command 'atc'\n {2}Did you mean act\?\n$/],
  [['act'], /^error: missing required argument 'how'\n/],
  [['act', 'fine', '--jsno'], /^error: unknown option '--jsno'\n {2}Did you mean --json\?\n$/],
  [['act', 'fine', 'more'], /^error: too many arguments/],
  [[], /^Usage: triggerlab/],
])('usage error %j: exit 2, told once, on stderr', async (args, message) => {
  expect(await run(...args)).toBe(2);
  expect(heard.stderr).toMatch(message);
  expect(heard.stdout).toBe('');
});

test('help and version: exit 0, on stdout', async () => {
  expect(await run('act', '--help')).toBe(0);
  expect(heard.stdout).toContain('Examples:\n  $ triggerlab act fine');
  heard.stdout = '';
  expect(await run('--version')).toBe(0);
  expect(heard.stdout).toBe(`${packageVersion}\n`);
  expect(heard.stderr).toBe('');
});

test.each(commands)('the table has $name as it calls itself', async ({ name, usage, load }) => {
  const program = new Command();
  (await load())(program);
  const [loaded] = program.commands;
  const takes = loaded.registeredArguments.map((argument) => {
    const shown = `${argument.name()}${argument.variadic ? '...' : ''}`;
    return argument.required ? `<${shown}>` : `[${shown}]`;
  });
  expect([program.commands.length, loaded.name(), takes.join(' ')]).toEqual([1, name, usage]);
});
