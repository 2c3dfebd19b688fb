// `triggerlab defenses`: the defences that a spec and `defend` can name, and the parameters of each.
import type { Command } from 'commander';
import { defenses } from '../defenses/registry.ts';
import { textTable } from '../report/text-table.ts';
import { finish } from './command.ts';
import { print, printJson } from './output.ts';
import { describeParameters, parametersTable } from './parameters.ts';

/** What each kind is, for people. */
const KINDS = { 'detect-model': 'examines the model', 'detect-data': 'sifts the data', repair: 'repairs the model' };

export function registerDefenses(program: Command): void {
  const group = program
    .command('defenses')
    .description('list the defences that a spec and `defend` can name, and their parameters');
  const list = group.command('ls', { isDefault: true }).description('list them');
  finish(list, ['defenses ls', 'defenses ls --json']).action(({ json }: { json?: boolean }) => {
    const rows = defenses.all.map(({ name, kind, title, paper }) => ({ name, kind, title, paper }));
    if (json) return printJson({ defenses: rows });
    const columns = [{ title: 'defence' }, { title: 'kind' }, { title: 'what it is' }, { title: 'from' }];
    return print(
      textTable(
        columns,
        rows.map(({ name, kind, title, paper }) => [name, KINDS[kind], title, paper]),
      ),
    );
  });
  const show = group.command('show').argument('<name>', 'defence').description('explain one and its parameters');
  finish(show, ['defenses show fine-tuning', 'defenses show fine-tuning --json']).action(
    (wanted: string, { json }: { json?: boolean }) => {
      const definition = defenses.get(wanted);
      const { name, kind, title, paper } = definition;
      const parameters = describeParameters(definition);
      if (json) return printJson({ defense: { name, kind, title, paper, parameters } });
      return print([`${name} · ${title} (${KINDS[kind]})`, paper, '', parametersTable(parameters)].join('\n'));
    },
  );
}
