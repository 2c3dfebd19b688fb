// From what was measured of an experiment's triggers to findings.
import { formatPercent } from '../core/format.ts';
import { datasetLabel } from '../core/references.ts';
import type { ExperimentSpec } from '../spec/experiment.ts';
import type { AttackSpec } from '../spec/run-spec.ts';
import type { Finding, RuleName, Severity } from './findings.ts';
import { placeOf } from './places.ts';
import { describeAttacks, describeParameters, type Setting, type Stage } from './settings.ts';
import type { Survival } from './survival.ts';

/** A trigger and what was measured of it. */
export interface Measured {
  readonly setting: Setting;
  readonly survival: Survival;
  /** Share of augmented training images without a trace of it; undefined where training images are not augmented. */
  readonly missingInTraining: number | undefined;
  /** Equal for triggers that do the same to any image. */
  readonly digest: string;
}

export interface MeasuredStage {
  readonly stage: Stage;
  /** Whether it was measured on images of the dataset: on others colours say nothing. */
  readonly real: boolean;
  readonly measured: readonly Measured[];
}

/** Of less than this share of the trigger the network cannot be said to see it. */
const MOSTLY_IN_VIEW = 0.9;
/** From this share of images on, a trigger that leaves them as they are is worth a warning. */
const MANY_UNCHANGED = 0.1;
const LITTLE_ENERGY = 0.25;
const OFTEN_MISSING = 0.05;

/** Every rule on one stage. */
export function stageFindings(at: MeasuredStage, experiment: ExperimentSpec): Finding[] {
  const rules = [sameTriggers, notSeen, weakened, lostInTraining, unchanged];
  return rules.flatMap((rule) => rule(at, experiment));
}

/** Settings of different names that do the same to every image. */
function sameTriggers(at: MeasuredStage, experiment: ExperimentSpec): Finding[] {
  const classes = [...groupBy(at.measured, ({ digest }) => digest).values()].filter((members) => members.length > 1);
  // Pairs that differ in the same parameters by the same values are one finding.
  const kinds = groupBy(classes, (members) =>
    JSON.stringify(differences(members.map(({ setting }) => setting.attack))),
  );
  return [...kinds.values()].map((same) => {
    const attacksOf = (members: readonly Measured[]) => members.map(({ setting }) => setting.attack);
    const names = Object.keys(differences(attacksOf(same[0])));
    const wordsOf = (attacks: readonly AttackSpec[], among: readonly AttackSpec[]) =>
      describeParameters(attacks, among).flatMap(({ words }) => (words === '' ? [] : [words]));
    const own = wordsOf(
      attacksOf(same[0]).map((attack) => only(attack, names)),
      attacksOf(same[0]),
    );
    const rest = wordsOf(
      same.map(([first]) => without(first.setting.attack, names)),
      attacksOf(at.measured),
    );
    const most = Math.max(...same.map(([{ survival }]) => (survival.native ?? survival.seen).pixels));
    const pixels = most === 1 ? '1 changed pixel' : `${Number(most.toFixed(1))} changed pixels`;
    return finding(at, experiment, 'same-trigger', 'error', same.flat(), {
      field: `attack.${names[0] ?? 'type'}`,
      message: `${same[0][0].setting.attack.type} of ${own.join(' or ')} is the same trigger, ${pixels}${rest.length > 0 ? ` (${rest.join('; ')})` : ''}.`,
      fix: names.includes('size')
        ? 'Leave one of them out with exclude, or tell them apart: sizes that are a pixel apart, rounding: round, or stampAt: input where the input has more pixels.'
        : 'Leave one of them out with exclude: its runs repeat those of the other under another name.',
      figures: { pixels: most, settings: same[0].length },
    });
  });
}

/** Triggers of which nothing reaches the network in evaluation. */
function notSeen(at: MeasuredStage, experiment: ExperimentSpec): Finding[] {
  const lost = at.measured.filter(({ survival }) => isLost(survival));
  const cut = lost.filter(({ survival }) => survival.inView === 0);
  const faded = lost.filter(({ survival }) => survival.inView > 0);
  const stamped = (some: readonly Measured[]) => range(some.map(({ survival }) => survival.native?.pixels ?? 0)).text;
  return [
    ...group(at, experiment, 'not-seen', 'error', cut, (some) => ({
      field: 'attack.position',
      message: `the evaluation's preprocessing cuts the trigger off: of its ${stamped(some)} pixels per image none reaches the model.`,
      fix: 'Stamp it at the input (stampAt: input), move it to the middle, or resize without a crop (preprocessing.resize: input).',
      figures: { inView: 0 },
    })),
    ...group(at, experiment, 'not-seen', 'error', faded, (some) => ({
      field: 'attack.size',
      message: `resizing leaves nothing of the trigger: its ${stamped(some)} pixels per image change the model's input by less than half a grey level.`,
      fix: 'Make it larger, or stamp it at the input (stampAt: input).',
      figures: { seenPixels: 0 },
    })),
  ];
}

function isLost({ native, seen }: Survival): boolean {
  return (
    native !== undefined &&
    native.pixels > 0 &&
    seen.images > 0 &&
    seen.unchanged >= native.unchanged &&
    seen.pixels === 0
  );
}

/** Triggers that a crop or a resize leaves little of. */
function weakened(at: MeasuredStage, experiment: ExperimentSpec): Finding[] {
  const left = at.measured.filter(({ survival }) => !isLost(survival));
  const cut = left.filter(({ survival }) => survival.inView < MOSTLY_IN_VIEW);
  const averaged = left.filter(
    ({ survival }) => survival.inView >= MOSTLY_IN_VIEW && survival.energyKept < LITTLE_ENERGY,
  );
  return [
    ...group(at, experiment, 'cut-off', 'warning', cut, (some) => {
      const view = range(some.map(({ survival }) => survival.inView));
      return {
        field: 'attack.position',
        message: `the evaluation's preprocessing cuts most of the trigger off: the model sees ${view.percent} of its area.`,
        fix: 'Compare it with other triggers by its effective pixels, not by its size; or stamp it at the input (stampAt: input).',
        figures: { inViewLow: view.low, inViewHigh: view.high },
      };
    }),
    ...group(at, experiment, 'averaged-away', 'warning', averaged, (some) => {
      const kept = range(some.map(({ survival }) => survival.energyKept));
      return {
        field: 'attack.size',
        message: `resizing averages the trigger with its surroundings: ${kept.percent} of its energy per pixel is left at the model's input.`,
        fix: 'Make it larger, or stamp it at the input (stampAt: input).',
        figures: { energyKeptLow: kept.low, energyKeptHigh: kept.high },
      };
    }),
  ];
}

/** Triggers that augmentation often takes off training images, which keep their wrong label. */
function lostInTraining(at: MeasuredStage, experiment: ExperimentSpec): Finding[] {
  const share = ({ missingInTraining }: Measured) => missingInTraining ?? 0;
  const lost = at.measured.filter((one) => share(one) >= OFTEN_MISSING);
  const halves = [lost.filter((one) => share(one) >= 0.5), lost.filter((one) => share(one) < 0.5)];
  const told = (some: readonly Measured[]) => {
    const shares = range(some.map(share));
    return {
      field: 'attack.position',
      message: `augmentation leaves nothing of the trigger on ${shares.percent} of the training images that carry it.`,
      fix: 'The effective poisoning rate is smaller by that share, and such images teach wrong labels: stamp it at the input (stampAt: input), or augment less.',
      figures: { missingLow: shares.low, missingHigh: shares.high },
    };
  };
  return halves.flatMap((some) => group(at, experiment, 'lost-in-training', 'warning', some, told));
}

/** Triggers whose colour is often there already. */
function unchanged(at: MeasuredStage, experiment: ExperimentSpec): Finding[] {
  if (!at.real) return [];
  const share = ({ survival }: Measured) => (survival.native ?? survival.seen).unchanged;
  const pale = at.measured.filter((one) => share(one) >= MANY_UNCHANGED);
  // Nearly all and merely many are two things to tell.
  const parts = [pale.filter((one) => share(one) >= 0.9), pale.filter((one) => share(one) < 0.9)];
  const told = (some: readonly Measured[]) => {
    const shares = range(some.map(share));
    return {
      field: 'attack.color',
      message: `${shares.percent} of the test images are left as they are: the pixels there have the trigger's colour already.`,
      fix: 'Poisoned images that carry no trigger teach the model nothing but wrong labels: choose another colour or position, or report the share.',
      figures: { unchangedLow: shares.low, unchangedHigh: shares.high },
    };
  };
  return parts.flatMap((some) => group(at, experiment, 'unchanged-images', 'warning', some, told));
}

interface Words {
  readonly field: string;
  readonly message: string;
  readonly fix: string;
  readonly figures: Readonly<Record<string, number>>;
}

/** One finding for all triggers of a kind: those of each attack type, told as products of parameters. */
function group(
  at: MeasuredStage,
  experiment: ExperimentSpec,
  rule: RuleName,
  severity: Severity,
  some: readonly Measured[],
  words: (some: readonly Measured[]) => Words,
): Finding[] {
  return [...groupBy(some, ({ setting }) => setting.attack.type).values()].map((members) => {
    const { message, ...rest } = words(members);
    const among = at.measured.map(({ setting }) => setting.attack);
    const which = describeAttacks(
      members.map(({ setting }) => setting.attack),
      among,
    ).join('; ');
    return finding(at, experiment, rule, severity, members, { ...rest, message: `${which}: ${message}` });
  });
}

function finding(
  { stage }: MeasuredStage,
  experiment: ExperimentSpec,
  rule: RuleName,
  severity: Severity,
  members: readonly Measured[],
  { field, message, fix, figures }: Words,
): Finding {
  const { attack } = members[0].setting;
  const { [field.replace(/^attack\./, '')]: value } = attack as Readonly<Record<string, unknown>>;
  return {
    ...{ rule, severity, dataset: datasetLabel(stage.dataset), message, fix, figures },
    at: placeOf(experiment, field, value ?? null, attack.type),
    runs: members.reduce((sum, { setting }) => sum + setting.runs, 0),
    triggers: members.map(({ setting }) => setting.id),
  };
}

/** The parameters in which attacks differ, with their values in each. */
function differences(attacks: readonly AttackSpec[]): Record<string, unknown[]> {
  const fields = attacks.map((attack) => attack as Readonly<Record<string, unknown>>);
  const names = [...new Set(fields.flatMap(Object.keys))];
  const differing = names.filter((name) => new Set(fields.map((own) => JSON.stringify(own[name]))).size > 1);
  return Object.fromEntries(differing.map((name) => [name, fields.map((own) => own[name])]));
}

function only(attack: AttackSpec, names: readonly string[]): AttackSpec {
  return pick(attack, (name) => names.includes(name));
}

function without(attack: AttackSpec, names: readonly string[]): AttackSpec {
  return pick(attack, (name) => !names.includes(name));
}

function pick(attack: AttackSpec, wanted: (name: string) => boolean): AttackSpec {
  const { type, ...parameters } = attack;
  return { type, ...Object.fromEntries(Object.entries(parameters).filter(([name]) => wanted(name))) };
}

function range(values: readonly number[]): { low: number; high: number; text: string; percent: string } {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const two = (show: (value: number) => string) =>
    show(low) === show(high) ? show(low) : `${show(low)} to ${show(high)}`;
  return {
    low,
    high,
    text: two((value) => String(Number(value.toFixed(1)))),
    percent: two((value) => formatPercent(value)),
  };
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return groups;
}
