// Defences named on a command line: `fine-tuning,{type: fine-pruning, rate: [0.3, 0.6]}`.
import { z } from 'zod';
import { inputError } from '../core/errors.ts';
import type { Catalog } from './catalog.ts';
import { completed } from './complete-parameters.ts';
import type { Level } from './experiment.ts';
import { readValue } from './overrides.ts';
import type { DefenseSpec } from './run-spec.ts';
import { specError } from './spec-error.ts';
import { readBlocks, type WrittenBlock } from './written-blocks.ts';

/**
 * The defences that a text names, written as under `defenses` in a spec; lists of levels are multiplied out.
 * @param label names the text in messages, such as `--with fine-tuning`
 * @throws TriggerlabError (input) for an unknown name or parameter, or no defence at all.
 */
export function readDefenses(text: string, label: string, catalog: Catalog): DefenseSpec[] {
  const source = { value: { defenses: readValue(text, label) }, locate: () => label };
  const schema = z.strictObject({
    defenses: z.unknown().transform((value, context) => readBlocks('defenses', value, catalog, context.issues)),
  });
  const result = schema.safeParse(source.value);
  if (!result.success) throw specError(result.error, source, catalog);
  const blocks = result.data.defenses.filter(({ type }) => type !== 'none');
  if (blocks.length === 0) {
    throw inputError(`${label}: names no defence`, { hint: `Known: ${catalog.defenses.names.join(', ')}.` });
  }
  return blocks.flatMap((block) => settingsOf(block, label, catalog));
}

function settingsOf({ type, fields }: WrittenBlock, at: string, catalog: Catalog): DefenseSpec[] {
  let rows: Record<string, Level>[] = [{}];
  for (const [field, { levels }] of Object.entries(fields)) {
    const name = field.slice('defense.'.length);
    rows = rows.flatMap((row) => levels.map(({ value, key }) => ({ ...row, [name]: { value, key, at } })));
  }
  const { parameters } = catalog.defenses.get(type);
  return rows.map((row) => ({ type, ...completed(parameters, row, type, at, `defenses show ${type}`) }));
}
