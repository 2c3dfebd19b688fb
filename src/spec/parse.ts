// YAML or plain data → a checked experiment. Every fault is told with its place, what was expected and what was found.
import { assembleBlocks } from './assemble.ts';
import { type Catalog, installed } from './catalog.ts';
import type { ExperimentSpec } from './experiment.ts';
import { applyOverrides, parseOverride } from './overrides.ts';
import { readRules } from './rules.ts';
import { specSchema } from './schema.ts';
import { clone, parseYaml, readSpecFile, type Source } from './source.ts';
import { specError } from './spec-error.ts';
import { readSubsets } from './subsets.ts';

export interface ParseOptions {
  /** `field=value,…` texts, as given to `--set`. */
  readonly overrides?: readonly string[];
  /** The names a spec may use; the installed registries unless given. */
  readonly catalog?: Catalog;
}

/**
 * Reads and checks a spec file.
 * @throws TriggerlabError (input) that begins with `file:line:column` where the fault has a place.
 */
export function loadExperiment(file: string, options: ParseOptions = {}): ExperimentSpec {
  return parseExperiment(readSpecFile(file), file, options);
}

/** Checks the text of a spec; `file` names it in messages. @throws TriggerlabError (input) */
export function parseExperiment(text: string, file: string, options: ParseOptions = {}): ExperimentSpec {
  return check(parseYaml(text, file), options);
}

/**
 * Checks a spec given as a plain object of the same shape as the YAML.
 * @throws TriggerlabError (input)
 */
export function experimentFrom(spec: object, options: ParseOptions = {}): ExperimentSpec {
  return check({ value: clone(spec), locate: () => 'spec' }, options);
}

function check(source: Source, { overrides = [], catalog = installed }: ParseOptions): ExperimentSpec {
  const parsed = overrides.map((text) => parseOverride(text, catalog));
  const place = applyOverrides(source, parsed, catalog);
  const result = specSchema(catalog).safeParse(place.value);
  if (!result.success) throw specError(result.error, place, catalog);
  const written = result.data;
  const blocks = assembleBlocks(written, place, catalog);
  return {
    name: written.name,
    description: written.description,
    repeats: written.repeats,
    keepWeights: written.keepWeights,
    blocks,
    ...readRules(written, blocks, place, catalog, parsed.length > 0),
    ...readSubsets(written.subsets, blocks, place, catalog),
    overridden: parsed.length > 0,
  };
}
