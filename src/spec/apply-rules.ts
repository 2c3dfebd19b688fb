// What `when` and `exclude` do to the cells of an experiment.
import { inputError } from '../core/errors.ts';
import { onceEach } from '../core/once-each.ts';
import type { Catalog } from './catalog.ts';
import { type Cell, type Levels, levelOf, MAX_RUNS } from './cells.ts';
import type { Block, ExcludeRule, ExperimentSpec, FieldValues, Level, WhenRule } from './experiment.ts';
import { show } from './explain-issue.ts';
import { fieldSchema } from './fields.ts';

/** Whether a cell meets every condition. */
export function matches(cell: Cell, conditions: readonly FieldValues[], catalog: Catalog): boolean {
  return conditions.every(({ field, levels }) => {
    const here = levelOf(cell, field, catalog);
    return here !== undefined && levels.some(({ key }) => key === here.key);
  });
}

/** The cells that a rule matches. A rule that can never match is almost always a slip, so it is refused. */
function matching(
  rule: ExcludeRule,
  kind: string,
  cells: readonly Cell[],
  experiment: ExperimentSpec,
  catalog: Catalog,
): Set<Cell> {
  const matched = new Set(cells.filter((cell) => matches(cell, rule.conditions, catalog)));
  if (experiment.overridden) return matched;
  for (const { field, levels } of rule.conditions) {
    const there = new Map(
      cells.flatMap((cell) => levelOf(cell, field, catalog) ?? []).map((level) => [level.key, level.value]),
    );
    const odd = levels.find(({ key }) => !there.has(key));
    if (odd) {
      const known = [...there.values()].slice(0, 10).map(show).join(', ');
      throw inputError(`${odd.at}: ${kind}: no run has ${field} ${show(odd.value)}`, {
        hint: there.size > 0 ? `Its values here: ${known}.` : `No run has the field ${field} here.`,
      });
    }
  }
  if (matched.size === 0) {
    throw inputError(`${rule.at}: ${kind} matches no run: its values never occur together`, {
      hint: 'Check the rules before it, or take it out.',
    });
  }
  return matched;
}

/** The cells that an `exclude` keeps. @throws TriggerlabError (input) when it matches none, or leaves none. */
export function applyExclude(
  rule: ExcludeRule,
  cells: readonly Cell[],
  experiment: ExperimentSpec,
  catalog: Catalog,
): Cell[] {
  const dropped = matching(rule, 'exclude', cells, experiment, catalog);
  const kept = cells.filter((cell) => !dropped.has(cell));
  if (kept.length === 0)
    throw inputError(`${rule.at}: exclude leaves no run at all`, { hint: 'Narrow it with a further field.' });
  return kept;
}

/** The cells after a `when` has replaced levels. @throws TriggerlabError (input) when it matches none, or makes too many. */
export function applyWhen(
  rule: WhenRule,
  cells: readonly Cell[],
  experiment: ExperimentSpec,
  catalog: Catalog,
): Cell[] {
  const matched = matching(rule, 'when', cells, experiment, catalog);
  const growth = rule.then.reduce((product, { levels }) => product * levels.length, 1);
  if (cells.length - matched.size + matched.size * growth > MAX_RUNS * 10) {
    throw inputError(`${rule.at}: when makes more than ${MAX_RUNS.toLocaleString('en-US')} runs`, {
      hint: 'Take fewer levels.',
    });
  }
  const replacementsIn = onceEach((block: Block) => replacements(rule, block, catalog));
  // Cells that shared their levels go on sharing them.
  const shared = new Map<Levels, { levels: Levels; key: string; seed: Level | undefined }[]>();
  const seen = new Set<string>();
  const out = cells.flatMap((cell) => {
    if (!matched.has(cell)) return [cell];
    const { block } = cell;
    const replaced =
      shared.get(cell.levels) ??
      replacementsIn(block).map(({ seed, ...own }) => {
        const levels = { ...cell.levels, ...own };
        return { levels, key: levelsKey(block, levels, experiment), seed };
      });
    shared.set(cell.levels, replaced);
    return replaced.flatMap(({ levels, key, seed = cell.seed }): Cell[] => {
      const made = `${key} ${seed.key}`;
      if (seen.has(made)) return [];
      seen.add(made);
      return [{ block, levels, seed }];
    });
  });
  if (out.length > MAX_RUNS) {
    throw inputError(
      `${rule.at}: when makes ${out.length.toLocaleString('en-US')} runs; at most ${MAX_RUNS.toLocaleString('en-US')}`,
      {
        hint: 'Take fewer levels.',
      },
    );
  }
  return out;
}

/** Every combination of the levels that a rule gives to runs of a block; fields that such runs lack are left out. */
function replacements(rule: WhenRule, { attackType, defenseType }: Block, catalog: Catalog): Record<string, Level>[] {
  return rule.then
    .filter(({ field }) => fieldSchema(catalog, attackType, field, defenseType))
    .reduce<Record<string, Level>[]>(
      (rows, { field, levels }) => rows.flatMap((row) => levels.map((level) => ({ ...row, [field]: level }))),
      [{}],
    );
}

function levelsKey(block: Block, levels: Levels, { blocks }: ExperimentSpec): string {
  const members = Object.keys(levels)
    .sort()
    .map((field) => `${field}=${levels[field].key}`);
  return `${blocks.indexOf(block)};${members.join(';')}`;
}
