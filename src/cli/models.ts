// `triggerlab models`: the classifiers that a spec can name.
import type { Command } from 'commander';
import { models } from '../models/registry.ts';
import { textTable } from '../report/text-table.ts';
import type { CatalogModel } from '../spec/catalog.ts';
import { finish } from './command.ts';
import { print, printJson } from './output.ts';

export function registerModels(program: Command): void {
  const group = program.command('models').description('list the models that a spec can name');
  const list = group.command('ls', { isDefault: true }).description('list them');
  finish(list, ['models ls', 'models ls --json']).action(({ json }: { json?: boolean }) => {
    const rows = models.all.map((model) => {
      const { name, title, inputSize, weightsHash }: CatalogModel & { title: string } = model;
      return { name, title, inputSize, pretrained: weightsHash !== undefined, weightsHash: weightsHash ?? null };
    });
    if (json) return printJson({ models: rows });
    const columns = [{ title: 'model' }, { title: 'input' }, { title: 'pretrained' }, { title: 'what it is' }];
    return print(
      textTable(
        columns,
        rows.map((row) => [row.name, `${row.inputSize} × ${row.inputSize}`, row.pretrained ? 'yes' : 'no', row.title]),
      ),
    );
  });
}
