// Defences of the registry that an audit does beside Neural Cleanse. What they say is evidence; none of them carries the verdict.
import { inputError } from '../core/errors.ts';
import { everyRow, type ImageSource } from '../data/dataset.ts';
import { type ExaminedImages, UNLABELLED } from '../data/examined-images.ts';
import type { Finding, PassCount } from '../defenses/defense.ts';
import { defenses } from '../defenses/registry.ts';
import type { Runtime } from '../runtime/node.ts';
import type { DefenseSpec } from '../spec/run-spec.ts';
import type { Network } from '../train/network.ts';
import { answersOf } from './audit-subject.ts';

/** The one that the verdict rests on. */
export const CARRIES_VERDICT = 'neural-cleanse';
/** Examines images of whose innocence nobody is sure. */
export const NEEDS_SUSPECTS = 'strip';
const USABLE = [CARRIES_VERDICT, 'abs', NEEDS_SUSPECTS];

/** @throws TriggerlabError (input) for a defence that a model and clean images are not enough for. */
export function checkUsable(chosen: readonly DefenseSpec[], suspects: boolean): void {
  for (const { type } of chosen) {
    if (USABLE.includes(type)) continue;
    const why =
      defenses.get(type).kind === 'repair'
        ? 'mends a network; whether there was anything to mend, only images with the trigger could tell'
        : 'sifts the data that a network was trained on, which a model does not come with';
    throw inputError(`audit --with ${type}: it ${why}`, { hint: `An audit can do ${USABLE.join(', ')}.` });
  }
  const named = new Set(chosen.map(({ type }) => type));
  if (named.size < chosen.length) {
    throw inputError('audit --with: each defence once', { hint: 'Leave one out, or call audit twice.' });
  }
  if (named.has(NEEDS_SUSPECTS) !== suspects) {
    throw inputError(
      suspects
        ? 'audit --suspects: only strip examines single images'
        : 'audit --with strip: it examines single images',
      { hint: 'Give both: --with neural-cleanse,strip --suspects FOLDER.' },
    );
  }
}

export interface OtherExamination {
  readonly name: string;
  readonly title: string;
  readonly parameters: object;
  /** Undefined when the time ended before it was done. */
  readonly found:
    | { readonly metrics: Readonly<Record<string, Finding>>; readonly details: object; readonly cost: PassCount }
    | undefined;
  /** The images examined, the most suspicious first, where it examines images. */
  readonly suspects?: readonly Suspect[];
  readonly seconds: number;
}

/** An image that may carry a trigger, and what STRIP makes of it. */
export interface Suspect {
  readonly name: string;
  /** Uint8, S × S × 3 */
  readonly pixels: Uint8Array;
  /** Mean entropy of the answers under other images, in bits. */
  readonly entropy: number;
  readonly flagged: boolean;
  /** What the network takes it for. */
  readonly answer: number;
}

class OutOfTime extends Error {}

export interface OtherInput {
  readonly runtime: Runtime;
  readonly network: Network;
  readonly images: ImageSource;
  readonly classes: readonly string[];
  readonly suspects: ExaminedImages | undefined;
  readonly seed: number;
  /** Asked every second or so: true ends the work. */
  readonly stop: () => boolean;
  readonly onProgress: (what: string, done: number, total: number) => void;
}

/** Parts of the progress of a defence, which tells shares. */
const PARTS = 1000;

/**
 * Does one of them on all images as a defender's own. Images without a label count as what the network takes them for.
 * @throws TriggerlabError (input) where it has too few images, and as the defence does.
 */
export async function examineBeside(
  input: OtherInput,
  { type, ...parameters }: DefenseSpec,
): Promise<OtherExamination> {
  const { runtime, network, images, suspects, stop, onProgress } = input;
  const { title, run, parameters: schema } = defenses.get(type);
  const complete = schema.parse({ ...parameters, budget: 1, ...(suspects && { examined: suspects.source.count }) });
  const began = performance.now();
  const checkStop = () => {
    if (stop()) throw new OutOfTime();
  };
  let found: OtherExamination['found'];
  let sifted: readonly Suspect[] | undefined;
  try {
    checkStop();
    const train = { ...images, labels: await allLabels(input) };
    const { metrics, details, cost } = await run(
      {
        ...{ runtime, network, trained: network.start, seed: input.seed, cleanRows: everyRow(images) },
        dataset: { name: 'images', classes: input.classes, train, test: train },
        ...(suspects && { poisoned: async () => ({ source: seen(suspects.source), rows: new Int32Array() }) }),
      },
      complete,
      { checkStop, onProgress: (share) => onProgress(`doing ${type}`, Math.round(PARTS * share), PARTS) },
    );
    found = { metrics, details, cost };
    if (suspects) sifted = await siftedSuspects(input, suspects, details as StripDetails, Number(metrics.threshold));
  } catch (error) {
    if (!(error instanceof OutOfTime)) throw error;
  }
  const seconds = (performance.now() - began) / 1000;
  return { name: type, title, parameters: complete, found, ...(sifted && { suspects: sifted }), seconds };
}

interface StripDetails {
  readonly examined: readonly { readonly row: number; readonly entropy: number }[];
}

async function siftedSuspects(
  { runtime, network }: OtherInput,
  { source, names }: ExaminedImages,
  { examined }: StripDetails,
  threshold: number,
): Promise<Suspect[]> {
  const rows = examined.map(({ row }) => row);
  const answers = await answersOf(runtime, network, source, rows);
  return examined
    .map(({ row, entropy }, i) => ({
      ...{ name: names[row], pixels: source.read([row]), entropy, flagged: entropy < threshold, answer: answers[i] },
    }))
    .sort((a, b) => a.entropy - b.entropy);
}

/** Labels of suspects play no part; they only have to be classes. */
const seen = (source: ImageSource): ImageSource => ({ ...source, labels: new Uint16Array(source.count) });

async function allLabels({ runtime, network, images, stop }: OtherInput): Promise<Uint16Array> {
  const labels = images.labels.slice();
  const without = Array.from(everyRow(images)).filter((row) => labels[row] === UNLABELLED);
  for (let at = 0; at < without.length; at += 50) {
    if (stop()) throw new OutOfTime();
    const some = without.slice(at, at + 50);
    const answers = await answersOf(runtime, network, images, some);
    some.forEach((row, i) => {
      labels[row] = answers[i];
    });
  }
  return labels;
}
