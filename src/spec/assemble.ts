// Blocks of factors with every field filled in: what a spec writes over its preset over the trigger's defaults.
import type { z } from 'zod';
import { canonicalJson } from '../core/hash.ts';
import { type Catalog, parameterFields } from './catalog.ts';
import type { Block, Factor, Level } from './experiment.ts';
import { ordinaryFields } from './fields.ts';
import type { LevelInput } from './levels.ts';
import { readPresetRules } from './preset-rules.ts';
import { presetFor } from './presets/index.ts';
import type { WrittenSpec } from './schema.ts';
import type { Path, Source } from './source.ts';
import type { WrittenBlock } from './written-blocks.ts';

/** The blocks of a spec: each of its attack blocks under each of its presets, with each of its defences. */
export function assembleBlocks(written: WrittenSpec, source: Source, catalog: Catalog): Block[] {
  return presetLevels(written, source).flatMap((preset) =>
    written.blocks.flatMap((block) =>
      written.defenses.map((defense) => assemble(block, defense, preset, written, source, catalog)),
    ),
  );
}

interface PlacedPreset {
  readonly preset: string;
  readonly at: string;
}

function presetLevels(written: WrittenSpec, source: Source): PlacedPreset[] {
  if (written.presets.length === 0) return [{ preset: 'corrected', at: 'preset corrected' }];
  return written.presets.map(({ value, at }) => ({ preset: String(value), at: source.locate(['preset', ...at]) }));
}

/** One block with every factor filled in: what the block writes, then the spec, then the preset, then the trigger's default. */
function assemble(
  block: WrittenBlock,
  defense: WrittenBlock,
  { preset: presetName, at: presetAt }: PlacedPreset,
  spec: WrittenSpec,
  source: Source,
  catalog: Catalog,
): Block {
  const preset = presetFor(presetName, block.type);
  const parameters = block.type === 'none' ? {} : parameterFields(catalog.triggers.get(block.type));
  const fallback: Record<string, unknown> = { ...preset.fields };
  for (const [name, schema] of Object.entries(parameters)) {
    const value = preset.attack[block.type]?.[name] ?? schema.safeParse(undefined).data;
    if (value !== undefined) fallback[`attack.${name}`] = value;
  }
  const schemas: Record<string, z.ZodType> = { ...ordinaryFields(catalog) };
  for (const [name, schema] of Object.entries(parameters)) schemas[`attack.${name}`] = schema;
  const settings = defense.type === 'none' ? {} : parameterFields(catalog.defenses.get(defense.type));
  for (const [name, schema] of Object.entries(settings)) {
    schemas[`defense.${name}`] = schema;
    const value = schema.safeParse(undefined).data;
    if (value !== undefined) fallback[`defense.${name}`] = value;
  }
  const writtenFields = new Set<string>();
  const typeFactor = (field: string, { type, path }: WrittenBlock): Factor => ({
    field,
    levels: [{ value: type, key: JSON.stringify(type), at: source.locate(path) }],
  });
  const factors = [typeFactor('attack.type', block), typeFactor('defense.type', defense)];
  for (const [field, schema] of Object.entries(schemas)) {
    const written = block.fields[field] ?? defense.fields[field] ?? spec.fields[field];
    if (written) {
      writtenFields.add(field);
      factors.push({ field, levels: written.levels.map((level) => placed(level, written.path, source)) });
    } else if (field in fallback) {
      const data = schema.parse(fallback[field]);
      factors.push({ field, levels: [{ value: fallback[field], key: canonicalJson(data), at: presetAt }] });
    }
  }
  const context = { attackType: block.type, factors, at: presetAt, catalog };
  return {
    preset: presetName,
    attackType: block.type,
    defenseType: defense.type,
    factors: inOrder(factors),
    written: writtenFields,
    presetRules: readPresetRules(preset.when, context),
    at: source.locate(block.path),
  };
}

/** Runs that differ only in poisoning or seed lie next to each other. */
function inOrder(factors: readonly Factor[]): Factor[] {
  const late = ['poisonRate', 'target', 'seed'];
  return [
    ...factors.filter(({ field }) => !late.includes(field)),
    ...factors.filter(({ field }) => late.includes(field)),
  ];
}

function placed(level: LevelInput, path: Path, source: Source): Level {
  return { value: level.value, key: level.key, at: source.locate([...path, ...level.at]) };
}
