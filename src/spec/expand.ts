// An experiment's blocks and rules → the runs, in a fixed order: clean runs first, each poisoned run's twin among them.
import { inputError } from '../core/errors.ts';
import { canonicalJson } from '../core/hash.ts';
import { applyExclude, applyWhen } from './apply-rules.ts';
import { type Catalog, installed } from './catalog.ts';
import { type Cell, layOutCells } from './cells.ts';
import { applyDesign, applySample } from './choose-cells.ts';
import { RunMaker } from './complete-run.ts';
import type { ExperimentSpec } from './experiment.ts';
import { normalise, withoutPaths } from './identity.ts';
import { applyPresetRules } from './preset-rules.ts';
import type { RunSpec } from './run-spec.ts';
import { bySetting } from './seeds.ts';

/**
 * The runs of an experiment without duplicates: clean runs, then poisoned ones, each in the order of the spec, then those with a
 * defence; twins and bases that the spec does not ask for are among them. `maker`
 * makes them, and knows afterwards which weights they lack.
 * @throws TriggerlabError (input) for too many runs, a rule that matches nothing, or a value that does not fit its run.
 */
export function expandExperiment(
  experiment: ExperimentSpec,
  catalog: Catalog = installed,
  maker: RunMaker = new RunMaker(catalog),
): RunSpec[] {
  const { design, sample } = experiment;
  const product = layOutCells(experiment);
  let cells = (design ? applyDesign(design, product) : product).map((cell) => applyPresetRules(cell, catalog));
  for (const rule of experiment.when) cells = applyWhen(rule, cells, experiment, catalog);
  for (const rule of experiment.exclude) cells = applyExclude(rule, cells, experiment, catalog);
  if (!experiment.overridden) refuseIdleFields(cells);
  if (sample) cells = applySample(sample, cells, experiment);
  const specs = distinct(cells.map((cell) => maker.make(cell)));
  const defended = specs.filter((spec) => spec.defense !== undefined);
  const bases = defended.length === 0 ? specs : distinct(specs.map(baseOf));
  const twins = bySetting(bases).flatMap(({ first, runs }) => {
    if (first.attack.type === 'none') return runs;
    const twin = twinOf(first);
    return runs.map(({ seed }) => ({ ...twin, seed }));
  });
  const poisoned = bases.filter((spec) => spec.attack.type !== 'none');
  return [...distinct(twins), ...poisoned, ...defended];
}

/** The run that a defence is about: itself without it. */
export function baseOf(spec: RunSpec): RunSpec {
  if (spec.defense === undefined) return spec;
  const { defense: _, ...base } = spec;
  return base;
}

/** Source classes are for source-specific attacks alone: written where there is none, they are nearly always a slip. */
function refuseIdleFields(cells: readonly Cell[]): void {
  for (const field of ['sources', 'coverRate']) {
    const written = cells.filter(
      ({ block, levels }) => block.attackType !== 'none' && (levels[field]?.key ?? '0') !== '0',
    );
    if (written.length === 0 || written.some(({ levels }) => levels.labels.key === '"source-specific"')) continue;
    throw inputError(`${written[0].levels[field].at}: ${field} has no effect: no run has labels: source-specific`, {
      hint: 'Write labels: source-specific beside it, or take it out.',
    });
  }
}

/** The clean twin of a poisoned run: the same data, model, schedule and seed without the attack. */
export function twinOf(spec: RunSpec): RunSpec {
  return normalise({ ...baseOf(spec), attack: { type: 'none' } });
}

/** Runs without those that were there before, the last of equal ones in the place of the first. */
function distinct(specs: readonly RunSpec[]): RunSpec[] {
  const found = new Map<string, RunSpec>();
  for (const { first, runs } of bySetting(specs)) {
    const key = settingKey(first);
    for (const spec of runs) found.set(`${spec.seed} ${key}`, spec);
  }
  return [...found.values()];
}

/** Equal for runs that differ in nothing but the seed, and in the paths of their files. */
export function settingKey(spec: RunSpec): string {
  return canonicalJson({ ...spec, attack: withoutPaths(spec.attack), seed: undefined });
}
