// An experiment's blocks and rules → the runs, in a fixed order: clean runs first, each poisoned run's twin among them.
import { inputError } from '../core/errors.ts';
import { canonicalJson } from '../core/hash.ts';
import { applyExclude, applyWhen } from './apply-rules.ts';
import { type Catalog, installed } from './catalog.ts';
import { type Cell, layOutCells } from './cells.ts';
import { applyDesign, applySample } from './choose-cells.ts';
import { RunMaker } from './complete-run.ts';
import type { ExperimentSpec } from './experiment.ts';
import { attackText, normalise, trainingText } from './identity.ts';
import { applyPresetRules } from './preset-rules.ts';
import type { RunSpec } from './run-spec.ts';
import { madeRun, type Seeded, type SettingRuns } from './seeds.ts';

/** A setting of an experiment with its runs. */
export interface ExpandedSetting extends SettingRuns {
  /** That of the clean twins of its runs, see `settingKey`; a clean setting's own. */
  readonly twinKey: string;
}

/**
 * The runs of an experiment without duplicates, by setting: clean runs, then poisoned ones, each in the order of the spec, then
 * those with a defence; twins and bases that the spec does not ask for are among them. `maker` makes them, and knows afterwards which weights they lack.
 * @throws TriggerlabError (input) for too many runs, a rule that matches nothing, or a value that does not fit its run.
 */
export function expandSettings(
  experiment: ExperimentSpec,
  catalog: Catalog = installed,
  maker: RunMaker = new RunMaker(catalog),
): ExpandedSetting[] {
  const { design, sample } = experiment;
  const product = layOutCells(experiment);
  let cells = applyPresetRules(design ? applyDesign(design, product) : product, catalog);
  for (const rule of experiment.when) cells = applyWhen(rule, cells, experiment, catalog);
  for (const rule of experiment.exclude) cells = applyExclude(rule, cells, experiment, catalog);
  if (!experiment.overridden) refuseIdleFields(cells);
  if (sample) cells = applySample(sample, cells, experiment);
  const settings = distinct(maker.makeAll(cells).map((runs) => keyed(runs[0].setting, runs)));
  const defended = settings.filter(({ first }) => first.defense !== undefined);
  const bases =
    defended.length === 0
      ? settings
      : distinct(settings.map((one) => (one.first.defense ? keyed(baseOf(one.first), one.runs) : one)));
  const twins = bases.map((one) => (isClean(one) ? one : keyed(twinOf(one.first), one.runs)));
  const poisoned = bases.flatMap((one, i) => (isClean(one) ? [] : [{ ...one, twinKey: twins[i].key }]));
  const ordered: (KeyedSetting & { twinKey?: string })[] = [...distinct(twins), ...poisoned, ...defended];
  return ordered.map(({ key, twinKey = key, ...one }) => {
    const runs = one.runs.map(madeRun);
    return { twinKey, first: runs[0], runs };
  });
}

/** The runs of `expandSettings`, one after another. @throws TriggerlabError (input) as it does. */
export function expandExperiment(experiment: ExperimentSpec, catalog: Catalog = installed): RunSpec[] {
  return expandSettings(experiment, catalog).flatMap(({ runs }) => runs);
}

function isClean({ first }: KeyedSetting): boolean {
  return first.attack.type === 'none';
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

interface KeyedSetting {
  readonly key: string;
  readonly first: RunSpec;
  readonly runs: readonly Seeded[];
}

/** The same seeds in a setting, which is theirs or a changed one. */
function keyed(first: RunSpec, runs: readonly Seeded[]): KeyedSetting {
  const changed = runs[0].setting === first ? runs : runs.map(({ seed }) => ({ setting: first, seed }));
  return { key: settingKey(first), first, runs: changed };
}

/** Runs without those that were there before, the last of equal ones in the place of the first. */
function distinct(settings: readonly KeyedSetting[]): KeyedSetting[] {
  const places = new Map<string, Map<number, { runs: Seeded[]; at: number }>>();
  const found: { key: string; runs: Seeded[] }[] = [];
  for (const { key, runs } of settings) {
    const bySeed = places.get(key) ?? new Map();
    places.set(key, bySeed);
    const fresh: Seeded[] = [];
    for (const run of runs) {
      const place = bySeed.get(run.seed);
      if (place) place.runs[place.at] = run;
      else bySeed.set(run.seed, { runs: fresh, at: fresh.push(run) - 1 });
    }
    if (fresh.length > 0) found.push({ key, runs: fresh });
  }
  return found.map(({ key, runs }) => ({ key, first: runs[0].setting, runs }));
}

/** Equal for runs that differ in nothing but the seed, and in the paths of their files. */
export function settingKey(spec: RunSpec): string {
  return canonicalJson({
    ...spec,
    attack: attackText(spec.attack),
    training: trainingText(spec.training),
    seed: undefined,
  });
}
