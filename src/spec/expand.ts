// An experiment's blocks and rules → the runs, in a fixed order: clean runs first, each poisoned run's twin among them.
import { inputError } from '../core/errors.ts';
import { canonicalJson } from '../core/hash.ts';
import { applyExclude, applyWhen } from './apply-rules.ts';
import { type Catalog, installed } from './catalog.ts';
import { type Cell, layOutCells } from './cells.ts';
import { applyDesign, applySample } from './choose-cells.ts';
import { RunMaker } from './complete-run.ts';
import type { ExperimentSpec } from './experiment.ts';
import { attackText, normalise } from './identity.ts';
import { applyPresetRules } from './preset-rules.ts';
import type { RunSpec } from './run-spec.ts';
import { type SettingRuns, withSetting } from './seeds.ts';

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
  const settings = distinct(maker.makeAll(cells).map(keyed));
  const defended = settings.filter(({ first }) => first.defense !== undefined);
  const bases =
    defended.length === 0
      ? settings
      : distinct(settings.map((one) => (one.first.defense ? keyed(withSetting(one, baseOf(one.first))) : one)));
  const twins = bases.map((one) => (isClean(one) ? one : keyed(withSetting(one, twinOf(one.first)))));
  const poisoned = bases.flatMap((one, i) => (isClean(one) ? [] : [{ ...one, twinKey: twins[i].key }]));
  return [distinct(twins), poisoned, defended].flatMap((list) => list.map((one) => ({ twinKey: one.key, ...one })));
}

/** The runs of `expandSettings`, one after another. @throws TriggerlabError (input) as it does. */
export function expandExperiment(experiment: ExperimentSpec, catalog: Catalog = installed): RunSpec[] {
  return expandSettings(experiment, catalog).flatMap(({ runs }) => runs);
}

function isClean({ first }: SettingRuns): boolean {
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

interface KeyedSetting extends SettingRuns {
  readonly key: string;
}

function keyed(setting: SettingRuns): KeyedSetting {
  return { ...setting, key: settingKey(setting.first) };
}

/** Runs without those that were there before, the last of equal ones in the place of the first. */
function distinct(settings: readonly KeyedSetting[]): KeyedSetting[] {
  const places = new Map<string, Map<number, { runs: RunSpec[]; at: number }>>();
  const found: { key: string; runs: RunSpec[] }[] = [];
  for (const { key, runs } of settings) {
    const bySeed = places.get(key) ?? new Map();
    places.set(key, bySeed);
    const fresh: RunSpec[] = [];
    for (const spec of runs) {
      const place = bySeed.get(spec.seed);
      if (place) place.runs[place.at] = spec;
      else bySeed.set(spec.seed, { runs: fresh, at: fresh.push(spec) - 1 });
    }
    if (fresh.length > 0) found.push({ key, runs: fresh });
  }
  return found.map(({ key, runs }) => ({ key, first: runs[0], runs }));
}

/** Equal for runs that differ in nothing but the seed, and in the paths of their files. */
export function settingKey(spec: RunSpec): string {
  return canonicalJson({ ...spec, attack: attackText(spec.attack), seed: undefined });
}
