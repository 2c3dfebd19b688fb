// How the columns of a CSV file become our fields: mappings that ship, and those that people write as YAML.
import { readFileSync, statSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { inputError, messageOf } from '../../core/errors.ts';
import { didYouMean } from '../../core/suggest.ts';
import { nestingDepth } from '../../spec/yaml-depth.ts';
import { type ExternalKind, FIELD_NAMES, FIELDS, type FieldName, KINDS } from './record.ts';

export interface ColumnMapping {
  readonly column: string;
  /** Factor from their unit to ours: 0.01 for per cent. */
  readonly scale?: number | undefined;
  /** Their word → ours; other words stay. */
  readonly values?: Readonly<Record<string, string>> | undefined;
}

export interface Mapping {
  readonly name: string;
  readonly title: string;
  readonly kind: ExternalKind;
  readonly columns: Readonly<Partial<Record<FieldName, ColumnMapping>>>;
  /** Fields that are the same in all rows. */
  readonly constants: Readonly<Partial<Record<FieldName, string | number | boolean>>>;
  /** Columns that a file must have for this mapping to be taken without being named. */
  readonly recognise?: readonly string[];
  /** Whether a folder of the file's path (SSBA, WaNet, BadNets) names the attack. */
  readonly attackFromPath?: boolean;
}

const column = (name: string, more: Omit<ColumnMapping, 'column'> = {}): ColumnMapping => ({ column: name, ...more });

const sokModel = column('model', { values: { vgg: 'vgg19_bn', resnet: 'resnet152' } });
const sok = { dataset: column('dataset'), model: sokModel, seed: column('seed'), id: column('id') };
const sokResults = {
  ...sok,
  trainAccuracy: column('train_acc'),
  cleanAccuracy: column('clean_acc'),
  asr: column('bk_acc'),
};

/** The first that a file's header fits is taken. */
export const MAPPINGS: readonly Mapping[] = [
  {
    name: 'sok-fine-pruning',
    title: 'fine-pruning results of “SoK: backdoor attacks”, as its authors published them',
    kind: 'fine-pruning',
    columns: {
      ...sokResults,
      pruningRate: column('pruning_rate'),
      cleanAccuracyPruned: column('pruned_clean_acc'),
      asrPruned: column('pruned_bk_acc'),
      cleanAccuracyAfter: column('fine-pruned_clean_acc'),
      asrAfter: column('fine-pruned_bk_acc'),
    },
    constants: { defence: 'fine-pruning' },
    recognise: ['pruning_rate', 'pruned_bk_acc', 'fine-pruned_bk_acc'],
    attackFromPath: true,
  },
  {
    name: 'sok-neural-cleanse',
    title: 'Neural Cleanse results of the same authors',
    kind: 'neural-cleanse',
    columns: { ...sok, detected: column('is_bk'), flagged: column('flag_list'), anomaly: column('list_mad') },
    constants: { defence: 'neural-cleanse' },
    recognise: ['flag_list', 'list_mad'],
    attackFromPath: true,
  },
  {
    name: 'sok-attack',
    title: 'attack results of the same authors (BadNets, SSBA, WaNet)',
    kind: 'attack',
    columns: {
      ...sokResults,
      poisonRate: column('epsilon'),
      targetClass: column('target_label'),
      position: column('pos'),
      color: column('color'),
    },
    constants: {},
    recognise: ['epsilon', 'clean_acc', 'bk_acc'],
    attackFromPath: true,
  },
  {
    name: 'sok-table2',
    title: 'Table II of “SoK: backdoor attacks”: clean accuracy by dataset, model and poisoning rate',
    kind: 'clean',
    columns: {
      dataset: column('dataset'),
      model: column('model', {
        values: { AlexNet: 'alexnet', GoogLeNet: 'googlenet', VGG: 'vgg19_bn', ResNet: 'resnet152' },
      }),
      poisonRate: column('poisoning_rate_percent', { scale: 0.01 }),
      cleanAccuracy: column('accuracy_percent', { scale: 0.01 }),
      cleanAccuracySd: column('std', { scale: 0.01 }),
    },
    constants: {},
    recognise: ['poisoning_rate_percent', 'accuracy_percent'],
  },
  {
    name: 'backdoorbench',
    title: 'the leaderboard of BackdoorBench (static/data/results.csv of its website)',
    kind: 'defence',
    columns: {
      dataset: column('dataset'),
      model: column('backbone'),
      attack: column('attack_name', { values: { badnet: 'badnets' } }),
      defence: column('defense_name', { values: { 'no defense': 'none' } }),
      poisonRate: column('ratio'),
      cleanAccuracy: column('test_acc'),
      asr: column('test_asr'),
      robustAccuracy: column('test_ra'),
    },
    constants: {},
    recognise: ['backbone', 'attack_name', 'defense_name', 'test_asr'],
  },
];

const columnSchema = z.union([
  z.string().min(1),
  z.strictObject({
    column: z.string().min(1),
    scale: z.union([z.literal('percent'), z.number()]).optional(),
    values: z.record(z.string(), z.string()).optional(),
  }),
]);

const schema = z.strictObject({
  name: z.string().min(1).max(64),
  title: z.string().max(300).optional(),
  kind: z.enum(KINDS).default('attack'),
  columns: z.partialRecord(z.enum(FIELD_NAMES as [FieldName, ...FieldName[]]), columnSchema),
  constants: z
    .partialRecord(z.enum(FIELD_NAMES as [FieldName, ...FieldName[]]), z.union([z.string(), z.number(), z.boolean()]))
    .default({}),
});

const MAX_BYTES = 100_000;

/**
 * A mapping by its name, or from a YAML file.
 * @throws TriggerlabError (input) for an unknown name, or a file that is no mapping.
 */
export function findMapping(nameOrFile: string): Mapping {
  const known = MAPPINGS.find((mapping) => mapping.name === nameOrFile);
  if (known) return known;
  if (!/\.ya?ml$/i.test(nameOrFile)) {
    const names = MAPPINGS.map((mapping) => mapping.name);
    throw inputError(`unknown mapping "${nameOrFile}"`, {
      hint: `${didYouMean(nameOrFile, names)} A mapping of your own is a file that ends in .yaml: see docs/analysis.md.`,
    });
  }
  const found = schema.safeParse(readYaml(nameOrFile));
  if (!found.success) {
    const [issue] = found.error.issues;
    const unknown = 'keys' in issue ? ` ${(issue.keys as string[]).join(', ')}` : '';
    throw inputError(`${nameOrFile}: ${issue.path.join('.') || 'the mapping'}: ${issue.message}${unknown}`, {
      hint: `A mapping has name, kind (${KINDS.join(', ')}), columns and constants. Fields: ${FIELD_NAMES.join(', ')}.`,
    });
  }
  const { columns, title, ...rest } = found.data;
  return {
    ...rest,
    title: title ?? rest.name,
    columns: Object.fromEntries(
      Object.entries(columns).map(([field, value]) => {
        if (typeof value === 'string') return [field, { column: value }];
        return [field, { ...value, scale: value.scale === 'percent' ? 0.01 : value.scale }];
      }),
    ),
  };
}

function readYaml(path: string): unknown {
  try {
    const { size } = statSync(path);
    if (size > MAX_BYTES) throw inputError(`${path} has ${size} bytes: too large for a mapping`);
    const text = readFileSync(path, 'utf8');
    if (nestingDepth(text) > 10) throw inputError(`${path} nests too deeply for a mapping`);
    return parse(text, { maxAliasCount: 0 });
  } catch (cause) {
    throw inputError(`the mapping ${path} cannot be read: ${messageOf(cause)}`, {
      hint: 'Name a built-in mapping or a YAML file: see docs/analysis.md.',
      cause,
    });
  }
}

/** The mapping whose columns a header has; undefined for none. */
export function recognise(header: readonly string[]): Mapping | undefined {
  return MAPPINGS.find((mapping) => mapping.recognise?.every((name) => header.includes(name)));
}

/** A constant as `--constant field=value` gives it. @throws TriggerlabError (input) for an unknown field or a bad value. */
export function parseConstant(text: string): [FieldName, string | number | boolean] {
  const at = text.indexOf('=');
  const name = text.slice(0, Math.max(0, at)).trim();
  if (!FIELD_NAMES.includes(name as FieldName)) {
    throw inputError(`--constant: expected field=value, found "${text}"`, { hint: didYouMean(name, FIELD_NAMES) });
  }
  return [name as FieldName, fieldValue(name as FieldName, text.slice(at + 1).trim(), {}, '--constant')];
}

/**
 * Their text as the value of one of our fields.
 * @throws TriggerlabError (input), naming `where`, for text that is no such value.
 */
export function fieldValue(
  field: FieldName,
  given: string,
  { scale, values }: Omit<ColumnMapping, 'column'>,
  where: string,
): string | number | boolean {
  const textual = (values && Object.hasOwn(values, given) ? values[given] : given).trim();
  const wanted: z.ZodType = FIELDS[field];
  const found = wanted.safeParse(
    wanted instanceof z.ZodString
      ? textual
      : wanted instanceof z.ZodBoolean
        ? booleanOf(textual)
        : numberOf(textual, scale),
  );
  if (found.success) return found.data as string | number | boolean;
  throw inputError(`${where}: "${given.slice(0, 60)}" is no value of ${field}: ${found.error.issues[0].message}`, {
    hint: 'Another scale (per cent or fraction)? A mapping can say so: see docs/analysis.md.',
  });
}

function booleanOf(text: string): unknown {
  const lower = text.toLowerCase();
  if (['true', 'yes', '1'].includes(lower)) return true;
  return ['false', 'no', '0'].includes(lower) ? false : text;
}

function numberOf(text: string, scale = 1): unknown {
  const percent = text.endsWith('%') ? 0.01 : 1;
  const number = Number(percent === 1 ? text : text.slice(0, -1));
  if (text === '' || !Number.isFinite(number)) return text;
  // Without the noise of binary fractions: 98.5 per cent is 0.985.
  return Number((number * scale * percent).toPrecision(15));
}
