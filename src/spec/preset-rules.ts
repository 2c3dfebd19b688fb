// The rules of presets, as `when` rules of a block: the same mechanism, but lenient, and without a say where the spec speaks.
import { canonicalJson } from '../core/hash.ts';
import { datasetBase, splitVersion } from '../core/references.ts';
import { matches } from './apply-rules.ts';
import type { Catalog } from './catalog.ts';
import type { Cell, Levels } from './cells.ts';
import type { Factor, FieldValues, Level, WhenRule } from './experiment.ts';
import { fieldSchema } from './fields.ts';
import type { PresetRule } from './presets/index.ts';

/** Datasets and models stand for their versions and parts: what of a name a rule goes by. */
const BASES: Readonly<Record<string, (name: string) => string>> = {
  dataset: datasetBase,
  model: (name) => splitVersion(name).model,
};

/** What block the rules are read for. */
interface Context {
  readonly attackType: string;
  readonly factors: readonly Factor[];
  readonly at: string;
  readonly catalog: Catalog;
}

/** The rules that can apply in a block: a name that this installation does not know, or a field that its attack lacks, never does. */
export function readPresetRules(rules: readonly PresetRule[], context: Context): WhenRule[] {
  return rules.flatMap((rule): WhenRule[] => {
    const conditions = Object.entries(rule.if).map(([field, value]) => levelsOf(field, value, context));
    const then = Object.entries(rule.set).map(([field, value]) => levelsOf(field, [value], context));
    const possible =
      conditions.every(({ levels }) => levels.length > 0) && then.every(({ levels }) => levels.length > 0);
    return possible ? [{ conditions, then, at: context.at }] : [];
  });
}

function levelsOf(field: string, value: unknown, { attackType, factors, at, catalog }: Context): FieldValues {
  const items: readonly unknown[] = Array.isArray(value) ? value : [value];
  const base = BASES[field];
  if (base) {
    const there = factors.find((factor) => factor.field === field)?.levels ?? [];
    return { field, at, levels: there.filter(({ key }) => items.includes(base(String(JSON.parse(key))))) };
  }
  const schema = fieldSchema(catalog, attackType, field);
  const levels = items.flatMap((item): Level[] => {
    const checked = schema?.safeParse(item);
    return checked?.success ? [{ value: item, key: canonicalJson(checked.data), at }] : [];
  });
  return { field, at, levels };
}

/** Cells after the rules of their block's preset. What the spec writes stays. */
export function applyPresetRules(cells: readonly Cell[], catalog: Catalog): Cell[] {
  const settled = new Map<Levels, Levels>();
  return cells.map((cell) => {
    const { block, seed } = cell;
    const levels = settled.get(cell.levels) ?? applyTo(cell, catalog);
    settled.set(cell.levels, levels);
    return { block, levels, seed };
  });
}

function applyTo({ block, levels, seed }: Cell, catalog: Catalog): Levels {
  const { presetRules, written } = block;
  if (presetRules.length === 0) return levels;
  const changed = { block, levels: { ...levels }, seed };
  for (const { conditions, then } of presetRules) {
    if (!matches(changed, conditions, catalog)) continue;
    for (const to of then) if (!written.has(to.field)) changed.levels[to.field] = to.levels[0];
  }
  return changed.levels;
}
