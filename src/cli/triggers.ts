// `triggerlab triggers`: the triggers that a spec can name, and the parameters of each.
import { type Command, Option } from 'commander';
import { textTable } from '../report/text-table.ts';
import { triggers } from '../triggers/registry.ts';
import type { TriggerDefinition } from '../triggers/trigger.ts';
import { finish } from './command.ts';
import { print, printJson } from './output.ts';
import { describeParameters, parametersTable } from './parameters.ts';
import type { drawTrigger } from './triggers-picture.ts';

export function registerTriggers(program: Command): void {
  const group = program.command('triggers').description('list the triggers that a spec can name, and their parameters');
  const list = group.command('ls', { isDefault: true }).description('list them');
  finish(list, ['triggers ls', 'triggers ls --json']).action(({ json }: { json?: boolean }) => {
    const rows = triggers.all.map(({ name, title, paper }) => ({ name, title, paper }));
    if (json) return printJson({ triggers: rows });
    const columns = [{ title: 'trigger' }, { title: 'what it is' }, { title: 'from' }];
    return print(
      textTable(
        columns,
        rows.map(({ name, title, paper }) => [name, title, paper]),
      ),
    );
  });
  const show = group
    .command('show')
    .argument('<name>', 'trigger')
    .description('explain one and its parameters, and draw it')
    .option('--picture <file>', 'write a PNG: test images clean, triggered, and the difference')
    .option('--dataset <name>', 'images of the picture', 'shapes')
    .addOption(
      new Option('--set <parameter=value>', 'a parameter for the picture (repeatable), such as size=0.3')
        .argParser<string[]>((text, before) => [...before, text])
        .default([], 'none'),
    );
  finish(show, [
    'triggers show badnets',
    'triggers show badnets --json',
    'triggers show badnets --picture cross.png --set shape=cross --set size=0.3',
  ]).action(async (name: string, { json, picture, dataset, set }: ShowOptions) => {
    const trigger = triggers.get(name);
    const drawn = picture === undefined ? undefined : await draw({ trigger: name, file: picture, dataset, set });
    const { title, caption } = drawn ?? {};
    if (json)
      return printJson({
        trigger: describe(trigger),
        ...(drawn ? { picture: { file: picture, title, caption } } : {}),
      });
    return print([triggerText(trigger), ...(drawn ? ['', `${picture}: ${title}. ${caption}`] : [])].join('\n'));
  });
}

/** Loaded when it is asked for: it brings in the engine and what encodes pictures. */
const draw: typeof drawTrigger = async (wanted) => (await import('./triggers-picture.ts')).drawTrigger(wanted);

interface ShowOptions {
  readonly json?: boolean;
  readonly picture?: string;
  readonly dataset: string;
  readonly set: string[];
}

function describe(trigger: TriggerDefinition) {
  const { name, title, paper } = trigger;
  return { name, title, paper, parameters: describeParameters(trigger) };
}

function triggerText(trigger: TriggerDefinition): string {
  const { name, title, paper, parameters } = describe(trigger);
  return [`${name} · ${title}`, paper, '', parametersTable(parameters)].join('\n');
}
