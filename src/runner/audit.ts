// The examination of a classifier that somebody hands over as an ONNX file: how it behaves, Neural Cleanse, the evidence.
import { failedError } from '../core/errors.ts';
import type { ImageSource } from '../data/dataset.ts';
import type { ExaminedImages } from '../data/examined-images.ts';
import { FEWEST_CLASSES } from '../defenses/neural-cleanse/anomaly-index.ts';
import { type Calibration, calibrate } from '../defenses/neural-cleanse/calibration.ts';
import { type CleanseResult, neuralCleanse, nothingSearched } from '../defenses/neural-cleanse/neural-cleanse.ts';
import { newLane } from '../defenses/neural-cleanse/reverse-triggers.ts';
import type { CleanseSettings } from '../defenses/neural-cleanse/settings.ts';
import type { ImportedModel, Normalization } from '../models/imported.ts';
import type { Runtime } from '../runtime/node.ts';
import type { DefenseSpec } from '../spec/run-spec.ts';
import type { Network } from '../train/network.ts';
import { type AuditBudget, LOOKING, reserved } from './audit-budget.ts';
import { type Evidence, evidenceOf, worthShowing } from './audit-evidence.ts';
import { CARRIES_VERDICT, examineBeside, type OtherExamination } from './audit-others.ts';
import type { AuditKnown, AuditState } from './audit-state.ts';
import {
  behaviourOf,
  type ChosenPixels,
  choosePixels,
  type LabelMatch,
  matchLabels,
  networkOf,
  type Watching,
} from './audit-subject.ts';
import { type Behaviour, judge, type Verdict } from './audit-verdict.ts';

export interface AuditInput {
  readonly runtime: Runtime;
  readonly model: ImportedModel;
  readonly images: ExaminedImages;
  /** Classes to examine as targets, numbers of the model's own. Default: all. */
  readonly classes?: readonly number[] | undefined;
  /** What is done; `neural-cleanse` by `settings`. */
  readonly defenses: readonly DefenseSpec[];
  readonly settings: CleanseSettings;
  /** Images that may carry a trigger, for defences that examine images. */
  readonly suspects?: ExaminedImages | undefined;
  readonly seed: number;
  readonly budget: AuditBudget;
  /** False-positive rate that the threshold is to have. */
  readonly rate: number;
  /** Sample images that a trigger is shown on. */
  readonly shown: number;
  /** Where an earlier call left off, and where this one leaves what it finds. Default: nothing is kept. */
  readonly state?: AuditState | undefined;
  /** Ends the work: what was found so far is kept. */
  readonly signal?: AbortSignal | undefined;
  /** Told the phase, and how far it is. */
  readonly onProgress?: (what: string, done: number, total: number) => void;
}

export interface Audit extends ChosenPixels {
  readonly verdict: Verdict;
  readonly behaviour: Behaviour;
  /** How the labels of the images were matched to the model's classes. */
  readonly labels: LabelMatch;
  readonly result: CleanseResult;
  readonly calibration: Calibration | undefined;
  readonly others: readonly OtherExamination[];
  readonly evidence: readonly Evidence[];
  readonly side: number;
  /** Classes whose trigger is worth showing; fewer are shown where the time ended. */
  readonly evidenceWanted: number;
  /** Seconds that the rest of the search will take about; undefined where nothing is left, or nothing is known. */
  readonly secondsLeft: number | undefined;
  /** Steps of the search that earlier calls had done. */
  readonly resumedSteps: number;
  /** Seconds since the command began. */
  readonly seconds: number;
}

/**
 * @throws TriggerlabError (input) for classes that are not there, or a network that no gradient leads through; (failed) when it is
 * interrupted.
 */
export async function auditModel(input: AuditInput): Promise<Audit> {
  const { runtime, model, settings, seed, budget, rate, state } = input;
  const onProgress = input.onProgress ?? (() => {});
  const interrupted = () => {
    if (input.signal?.aborted) throw failedError('interrupted', { hint: 'The same command goes on from here.' });
  };
  const matched = matchLabels(input.images.source, input.images.classes, model);
  const images = { ...input.images.source, labels: matched.labels };
  const content = { count: images.count, sha256: input.images.sha256, cut: input.images.cut };
  const known = await knownOf(state, content.sha256);
  const until = (share: number) => ({ stop: either(budget.within(share), input.signal), onProgress });
  const chosen: ChosenPixels = known?.pixels ?? (await choosePixels(runtime, model, images, seed, until(LOOKING / 2)));
  const network = await networkOf(model, images, chosen.normalization);
  const watching: Watching = known?.watching ?? (await behaviourOf(runtime, network, images, seed, until(LOOKING)));
  interrupted();
  const { behaviour, complete } = watching;
  const { normalization, normalizationFrom } = chosen;
  await state?.keep({
    ...{ images: content, pixels: { normalization: copyOf(normalization), normalizationFrom } },
    ...(complete && { watching: { ...watching, complete } }),
  });
  const classes = input.classes ?? Array.from({ length: model.classes }, (_, i) => i);
  const { result, resumedSteps } = await searched(input, network, images, classes, watching.perImage);
  interrupted();
  const calibration = result.classes.length >= FEWEST_CLASSES ? calibrate(classes.length) : undefined;
  const verdict = judge({
    result,
    calibration,
    behaviour,
    settings,
    rate,
    classes: model.classes,
    inputSize: model.inputSize,
  });
  const evidence: Evidence[] = [];
  const worth = worthShowing(result, verdict);
  for (const [i, of] of worth.entries()) {
    if (budget.short(0)) break;
    onProgress('drawing the evidence', i, worth.length);
    const shown = await evidenceOf(input, network, images, of);
    if (shown) evidence.push(shown);
  }
  const others: OtherExamination[] = [];
  const names = Array.from({ length: model.classes }, (_, i) => model.classNames?.[i] ?? String(i));
  for (const defense of input.defenses) {
    if (defense.type === CARRIES_VERDICT) continue;
    const stop = either(() => budget.short(0), input.signal);
    const beside = { runtime, network, images, classes: names, suspects: input.suspects, seed, stop, onProgress };
    others.push(await examineBeside(beside, defense));
    interrupted();
  }
  return {
    ...{ verdict, behaviour, labels: matched.how, ...chosen, result, calibration, others, evidence },
    ...{
      evidenceWanted: worth.length,
      side: model.inputSize,
      resumedSteps,
      secondsLeft: secondsLeft(result, resumedSteps),
    },
    seconds: budget.elapsed(),
  };
}

/** Whether the clock or a signal says stop. */
const either = (stop: () => boolean, signal: AbortSignal | undefined) => () => signal?.aborted === true || stop();

/** What an earlier call found out, if it was about the same images: of others nothing is used. */
async function knownOf(state: AuditState | undefined, sha256: string): Promise<AuditKnown | undefined> {
  const known = await state?.known();
  if (!known || known.images.sha256 === sha256) return known;
  await state?.clear();
  return undefined;
}

const copyOf = ({ mean, std }: Normalization) => ({ mean: [...mean], std: [...std] });

/** Seconds that the rest of the search will take about; undefined where it is done, or has hardly begun. */
function secondsLeft({ classes, settings, cost }: CleanseResult, resumed: number): number | undefined {
  const steps = classes.reduce((sum, one) => sum + one.steps, 0);
  const left = classes.reduce(
    (sum, one) => sum + (one.complete ? 0 : settings.steps * settings.restarts - one.steps),
    0,
  );
  return left > 0 && steps > resumed ? (cost.seconds * left) / (steps - resumed) : undefined;
}

async function searched(
  { runtime, defenses, settings, seed, budget, state, model, signal, onProgress }: AuditInput,
  network: Network,
  images: ImageSource,
  classes: readonly number[],
  perImage: number,
): Promise<{ result: CleanseResult; resumedSteps: number }> {
  if (!defenses.some(({ type }) => type === CARRIES_VERDICT)) {
    return { result: nothingSearched(settings), resumedSteps: 0 };
  }
  const starts = Array.from({ length: settings.restarts }, (_, restart) => restart);
  const fresh = classes.flatMap((of) => starts.map((restart) => newLane(settings, of, restart)));
  const resume = (await state?.resumed(fresh, model.inputSize)) ?? fresh;
  const total = resume.reduce((sum, { done, steps }) => sum + (done ? 0 : settings.steps - steps), 0);
  let lanes = resume;
  let steps = 0;
  const kept = reserved(budget, perImage);
  const result = await neuralCleanse({
    ...{ runtime, network, trained: {}, images, classes, settings, seed, resume },
    watch: {
      async onStep(now) {
        lanes = [...now];
        steps = total - now.reduce((sum, lane) => sum + (lane.done ? 0 : settings.steps - lane.steps), 0);
        await state?.save(now);
        onProgress?.('searching triggers, in steps', steps, total);
      },
      shouldStop: either(() => budget.short(kept.after), signal),
      stopTrying: either(() => budget.short(kept.evidence), signal),
      onTried: (done, of) => onProgress?.('trying the triggers', done, of),
    },
  });
  await state?.save(lanes, true);
  return { result, resumedSteps: resume.reduce((sum, lane) => sum + lane.steps, 0) };
}
