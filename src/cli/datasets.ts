// `triggerlab datasets`: the labelled images that a spec can name.
import type { Command } from 'commander';
import { datasets } from '../data/registry.ts';
import { textTable } from '../report/text-table.ts';
import { finish } from './command.ts';
import { print, printJson } from './output.ts';

export function registerDatasets(program: Command): void {
  const group = program.command('datasets').description('list the datasets that a spec can name');
  const list = group.command('ls', { isDefault: true }).description('list them');
  finish(list, ['datasets ls', 'datasets ls --json']).action(({ json }: { json?: boolean }) => {
    if (json) return printJson({ datasets: datasets.all.map(({ load, official, ...entry }) => entry) });
    const right = 'right' as const;
    const columns = [
      { title: 'dataset' },
      { title: 'image' },
      { title: 'classes', align: right },
      { title: 'train', align: right },
      { title: 'test', align: right },
      { title: 'what it is' },
    ];
    return print(
      textTable(
        columns,
        datasets.all.map((entry) => [
          entry.name,
          `${entry.width} × ${entry.height} ${entry.channels === 1 ? 'grey' : 'RGB'}`,
          String(entry.classes.length),
          String(entry.trainCount),
          String(entry.testCount),
          entry.title,
        ]),
      ),
    );
  });
}
