// `triggerlab models`: the classifiers that a spec can name, and what one of them consists of and costs.
import type { Command } from 'commander';
import { sizeOf } from '../core/tensor.ts';
import { describeArchitecture } from '../models/architecture.ts';
import { models } from '../models/registry.ts';
import { textTable } from '../report/text-table.ts';
import { finish } from './command.ts';
import { registerModelsShow } from './models-show.ts';
import { print, printJson } from './output.ts';

/** Classes that sizes are counted for unless said otherwise: ImageNet's, as published counts have them. */
export const PUBLISHED_CLASSES = 1000;

export function registerModels(program: Command): void {
  const group = program.command('models').description('list the models that a spec can name, or show one');
  const list = group.command('ls', { isDefault: true }).description('list them');
  finish(list, ['models ls', 'models ls --json']).action(({ json }: { json?: boolean }) => {
    const rows = models.all.map(({ name, title, family, inputSize, architecture, weightsHash }) => {
      const { parameters } = describeArchitecture(architecture, inputSize, PUBLISHED_CLASSES);
      const count = parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
      const pretrained = weightsHash !== undefined;
      return { name, title, family, inputSize, parameters: count, pretrained, weightsHash: weightsHash ?? null };
    });
    if (json) return printJson({ models: rows });
    const columns = [
      { title: 'model' },
      { title: 'family' },
      { title: 'input' },
      { title: 'parameters', align: 'right' as const },
      { title: 'pretrained' },
      { title: 'what it is' },
    ];
    const cells = rows.map((row) => [
      row.name,
      row.family,
      `${row.inputSize} × ${row.inputSize}`,
      row.parameters.toLocaleString('en'),
      row.pretrained ? 'yes' : 'no',
      row.title,
    ]);
    return print(`${textTable(columns, cells)}\nParameters are counted with ${PUBLISHED_CLASSES} classes.`);
  });
  registerModelsShow(group);
}
