// The parameters of a trigger or a defence, as `show` explains them.
import { textTable } from '../report/text-table.ts';
import { parameterFields } from '../spec/catalog.ts';

export interface DescribedParameter {
  readonly name: string;
  readonly required: boolean;
  /** Null where there is none. */
  readonly default: unknown;
  readonly description: string;
}

export function describeParameters(definition: Parameters<typeof parameterFields>[0]): DescribedParameter[] {
  return Object.entries(parameterFields(definition)).map(([name, schema]) => {
    const absent = schema.safeParse(undefined);
    return {
      name,
      required: !absent.success,
      default: absent.success ? (absent.data ?? null) : null,
      description: schema.description ?? '',
    };
  });
}

export function parametersTable(parameters: readonly DescribedParameter[]): string {
  const rows = parameters.map((parameter) => [
    parameter.name,
    parameter.required ? '(required)' : shown(parameter.default),
    parameter.description,
  ]);
  return textTable([{ title: 'parameter' }, { title: 'default' }, { title: 'what it is' }], rows);
}

function shown(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
