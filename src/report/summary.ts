// What came out, in a paragraph and a few figures: computed from the runs, with what speaks against it.
import { aggregate, type RunGroup } from '../analysis/aggregate.ts';
import { factorsAcross, factorTitle, formatFactor, isClean, isDefended } from '../analysis/factors.ts';
import { type ShareName, shareOf } from '../analysis/intervals.ts';
import type { RunRecord } from '../store/records.ts';
import { shareText, statusLine } from './results-table.ts';

export interface KeyFigure {
  readonly label: string;
  /** With its uncertainty and unit. */
  readonly value: string;
  /** What it belongs to. */
  readonly note: string;
}

export interface Summary {
  readonly sentences: readonly string[];
  readonly figures: readonly KeyFigure[];
}

/** The experiment in words. Says plainly when there is nothing to say yet. */
export function summarizeRuns(runs: readonly RunRecord[]): Summary {
  const done = runs.filter((run) => run.status === 'done');
  const sentences = [statusLine(runs)];
  if (done.length === 0) {
    return { sentences: [...sentences, 'No run has finished, so there is nothing to conclude yet.'], figures: [] };
  }
  const failed = runs.filter((run) => run.status === 'failed').length;
  if (failed > 0) {
    sentences.push(
      `What failed is missing from every figure below; the reasons are listed under “Runs that did not finish”.`,
    );
  }
  const undefended = done.filter((run) => !isDefended(run.spec));
  const clean = aggregate(
    undefended.filter((run) => isClean(run.spec)),
    ['model'],
  );
  const attacked = aggregate(
    undefended.filter((run) => !isClean(run.spec)),
    factorsAcross(undefended.map((run) => run.spec)).varying,
  ).filter((group) => group.metrics.asr);
  if (clean.length > 0) sentences.push(baselineSentence(clean));
  const best = highestPerModel(attacked, 'asr');
  for (const group of best) sentences.push(bestSentence(group));
  if (attacked.length > best.length) {
    sentences.push(
      `These are the highest of ${attacked.length} attacked settings, picked after the fact: a repetition would on average come out somewhat lower.`,
    );
  }
  return { sentences: sentences.map(unbroken), figures: keyFigures(clean, attacked) };
}

function withUnit(group: RunGroup, name: ShareName, unit = '%'): string {
  return `${shareText(shareOf(group, name))} ${unit}`;
}

function modelOf(group: RunGroup): string {
  return group.runs[0].spec.model;
}

function baselineSentence(clean: readonly RunGroup[]): string {
  const parts = clean.map((group) => `${modelOf(group)} classifies ${withUnit(group, 'cleanAccuracy')}`);
  const images = [...new Set(clean.flatMap((group) => group.runs.map((run) => run.metrics?.testImages)))];
  const count =
    images.length === 1 && images[0] !== undefined ? `${images[0].toLocaleString('en')} test images` : 'test images';
  return `Without an attack, ${joined(parts)} of the ${count} rightly.`;
}

/** The group with the highest mean for each model, highest first; ties go to the first. */
function highestPerModel(groups: readonly RunGroup[], name: ShareName): RunGroup[] {
  const best = new Map<string, RunGroup>();
  const meanOf = (group: RunGroup) => group.metrics[name]?.mean ?? Number.NEGATIVE_INFINITY;
  for (const group of groups) {
    const held = best.get(modelOf(group));
    if (!held || meanOf(group) > meanOf(held)) best.set(modelOf(group), group);
  }
  return [...best.values()].sort((a, b) => meanOf(b) - meanOf(a));
}

function bestSentence(group: RunGroup): string {
  const natural = shareOf(group, 'naturalAsr');
  const cad = shareOf(group, 'cad');
  const against = [
    natural && `natural ASR ${shareText(natural)} %`,
    cad && `clean accuracy drop ${shareText(cad)} points`,
  ].filter((part) => part !== undefined);
  const text = `Against ${modelOf(group)} the highest attack success rate is ${withUnit(group, 'asr')}, with ${settingOf(group)}`;
  return against.length > 0 ? `${text} (${against.join('; ')}).` : `${text}.`;
}

/** `badnets, size 16 %, position middle, ε 2 %`: what tells the group from others, the model left out. */
function settingOf(group: RunGroup): string {
  const names = Object.keys(group.key).filter(
    (name) => name !== 'model' && name !== 'attack' && group.key[name] != null,
  );
  const words = names.map((name) => `${factorTitle(name)} ${formatFactor(name, group.key[name])}`);
  return [group.runs[0].spec.attack.type, ...words].join(', ');
}

function keyFigures(clean: readonly RunGroup[], attacked: readonly RunGroup[]): KeyFigure[] {
  const figure = (label: string, groups: readonly RunGroup[], name: ShareName, unit = '%'): KeyFigure[] => {
    const [group] = highestPerModel(groups, name);
    if (!group?.metrics[name]) return [];
    const setting = isClean(group.runs[0].spec) ? [] : [settingOf(group)];
    return [{ label, value: withUnit(group, name, unit), note: [modelOf(group), ...setting].join(', ') }];
  };
  return [
    ...figure('highest ASR', attacked, 'asr'),
    ...figure('highest natural ASR', attacked, 'naturalAsr'),
    ...figure('largest clean accuracy drop', attacked, 'cad', 'points'),
    ...figure('best clean baseline', clean, 'cleanAccuracy'),
  ];
}

/** Keeps a number and its unit on one line. */
function unbroken(text: string): string {
  return text.replace(/ (?=%|±|points)|(?<=±) /g, '\u00a0');
}

function joined(parts: readonly string[]): string {
  if (parts.length < 2) return parts.join('');
  return `${parts.slice(0, -1).join(', ')} and ${parts[parts.length - 1]}`;
}
