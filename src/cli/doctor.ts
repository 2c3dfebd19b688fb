// `triggerlab doctor`: what this machine can do, and what to do about what it cannot.
import type { Command } from 'commander';
import { textTable } from '../report/text-table.ts';
import { finish } from './command.ts';
import { print, printJson } from './output.ts';

export function registerDoctor(program: Command): void {
  const command = program.command('doctor').description('check Node, memory, disk, the engine and the store folder');
  finish(command, ['doctor', 'doctor --json']).action(async ({ json }: { json?: boolean }) => {
    // Loaded here because it brings in the engine and the store, which other commands should not wait for.
    const { checkMachine } = await import('./doctor-checks.ts');
    const checks = await checkMachine();
    const failed = checks.filter(({ status }) => status === 'fail').length;
    const warned = checks.filter(({ status }) => status === 'warn').length;
    if (failed > 0) process.exitCode = 1;
    if (json) return printJson({ ok: failed === 0, checks });
    const rows = checks.map(({ status, name, found }) => [status, name, found]);
    const advice = checks.flatMap(({ status, name, next }) => (next === null ? [] : [`${status}: ${name}: ${next}`]));
    const verdict =
      failed > 0 ? `${failed} of ${checks.length} checks failed.` : warned > 0 ? 'Ready, with remarks.' : 'Ready.';
    return print(
      [textTable([{ title: '' }, { title: 'check' }, { title: 'found' }], rows), '', ...advice, verdict].join('\n'),
    );
  });
}
