// `triggerlab audit`: examines a classifier that somebody hands over as an ONNX file.
import { realpathSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { inputError } from '../core/errors.ts';
import type { ExaminedImages } from '../data/examined-images.ts';
import type { CleanseSettings } from '../defenses/neural-cleanse/settings.ts';
import type { ImportedModel, Normalization } from '../models/imported.ts';
import type { Audit } from '../runner/audit.ts';
import type { AuditState } from '../runner/audit-state.ts';
import { installed } from '../spec/catalog.ts';
import { readDefenses } from '../spec/defense-list.ts';
import { tell } from './audit-output.ts';
import { finish } from './command.ts';
import { wholeNumber } from './numbers.ts';
import { log } from './output.ts';
import { StepProgress } from './progress.ts';
import { stopOnSignals } from './signals.ts';

export interface AuditOptions {
  readonly images?: string;
  readonly dataset?: string;
  readonly with: string;
  readonly suspects?: string;
  readonly classes?: string;
  readonly inputSize?: number;
  readonly normalize?: string;
  readonly channels?: 'RGB' | 'BGR';
  readonly schedule?: 'cheap' | 'reference';
  readonly restarts?: number;
  readonly budget: number;
  readonly falsePositives: number;
  readonly limit: number;
  readonly seed: number;
  readonly threads: number;
  readonly fresh?: boolean;
  readonly out: string;
  readonly json?: boolean;
}

export function registerAudit(program: Command): void {
  const command = program
    .command('audit')
    .argument('<model>', 'the path of an ONNX classifier')
    .description('examine a classifier for a backdoor: verdict, evidence, and what the verdict rests on')
    .option('--images <path>', 'folder or zip archive of images, in class folders where their labels are known')
    .option('--dataset <name>', 'instead: the test images of a dataset (triggerlab datasets ls)')
    .option('--with <defence,…>', 'neural-cleanse, abs, strip: names, or blocks as under defenses', 'neural-cleanse')
    .option('--suspects <path>', 'for strip: folder or zip archive of images that may carry a trigger')
    .option('--classes <list>', 'classes to examine, by name or number from 0, such as 0-9,cat (default: all)')
    .option('--budget <seconds>', 'time that the whole may take', wholeNumber(10, 1_000_000), 600)
    .option('--fresh', 'do not go on from what an earlier call of this audit found')
    .addOption(
      new Option('--schedule <name>', 'how long a trigger is searched: see docs/audit.md (default: cheap)').choices([
        'cheap',
        'reference',
      ]),
    )
    .option(
      '--restarts <n>',
      'independent starts for each class; the smallest trigger counts (default: 1)',
      wholeNumber(1, 20),
    )
    .option('--false-positives <share>', 'clean classifiers that may be called suspicious', share, 0.05)
    .option(
      '--input-size <pixels>',
      'side of the images that the model takes (default: as it declares)',
      wholeNumber(8, 1024),
    )
    .option(
      '--normalize <name>',
      'what becomes of pixels first: imagenet, unit ([0, 1]), symmetric ([-1, 1]), byte ([0, 255]) or mean/std as 0.5,0.5,0.5/0.25,0.25,0.25 (default: what the file says)',
    )
    .addOption(new Option('--channels <order>', 'order of the channels that the model takes').choices(['RGB', 'BGR']))
    .option('--limit <n>', 'images used at most', wholeNumber(1, 100_000), 1000)
    .option('--seed <n>', 'seed of everything that is drawn', wholeNumber(0, 2 ** 31 - 1), 0)
    .option('--threads <n>', 'threads (default: all cores)', wholeNumber(1, 256), availableParallelism())
    .option('--out <file>', 'the report', 'triggerlab-audit.html');
  finish(command, [
    'audit classifier.onnx --images photos/',
    'audit classifier.onnx --dataset mnist10k --budget 300 --out audit.html',
    'audit squeezenet1.1.onnx --images photos.zip --classes 0-9 --normalize unit',
    'audit classifier.onnx --images photos/ --with neural-cleanse,strip --suspects inbox/',
  ]).addHelpText(
    'after',
    '\nCalled again after its budget ended or it was stopped, it goes on from there.\nExit codes: 0 examined, no backdoor found or inconclusive (the output says which), 3 suspicious, 1 the work failed, 2 bad usage or input.',
  );
  command.action(auditCommand);
}

async function auditCommand(path: string, options: AuditOptions): Promise<void> {
  if ((options.images === undefined) === (options.dataset === undefined)) {
    throw inputError('audit: give either --images PATH or --dataset NAME', {
      hint: 'Some hundred clean images of the kind that the classifier is for.',
    });
  }
  const defenses = readDefenses(options.with, `--with ${options.with}`, installed);
  // Loaded here because they bring in the engine, which a wrong option should not wait for.
  const { checkUsable } = await import('../runner/audit-others.ts');
  checkUsable(defenses, options.suspects !== undefined);
  const { importedModel } = await import('../models/imported.ts');
  const { auditBudget, READING } = await import('../runner/audit-budget.ts');
  const { auditModel } = await import('../runner/audit.ts');
  const { CANDIDATES } = await import('../runner/audit-subject.ts');
  const { cleanseSettings } = await import('../defenses/neural-cleanse/settings.ts');
  const { Runtime } = await import('../runtime/node.ts');
  // The clock of a process starts with it.
  const budget = auditBudget(options.budget, () => performance.now() / 1000);
  const model = importedModel(path, {
    ...(options.inputSize !== undefined && { inputSize: options.inputSize }),
    ...(options.normalize !== undefined && { normalization: normalizationOf(options.normalize, CANDIDATES) }),
    ...(options.channels !== undefined && { channels: options.channels }),
  });
  for (const note of modelNotes(model)) log(note);
  const classes = options.classes === undefined ? undefined : classesOf(options.classes, model);
  const own = defenses.find(({ type }) => type === 'neural-cleanse');
  const { type: _, ...parameters } = own ?? {};
  const settings = cleanseSettings({
    ...parameters,
    ...(options.schedule !== undefined && { schedule: options.schedule }),
    ...(options.restarts !== undefined && { restarts: options.restarts }),
  });
  const progress = new StepProgress();
  const interrupt = stopOnSignals('what was found so far is kept');
  const runtime = new Runtime({ threads: options.threads });
  let audit: Audit;
  let images: ExaminedImages;
  try {
    const state = await stateOf(model, options, settings);
    const over = budget.within(READING);
    const read = { progress, stop: () => over() || interrupt.signal.aborted };
    images = await imagesFor(model, { ...options, limit: await limitOf(state, options) }, read);
    audit = await auditModel({
      ...{ runtime, model, classes, images, defenses, settings, state, budget },
      suspects:
        options.suspects === undefined
          ? undefined
          : await imagesFor(model, { ...options, images: options.suspects }, read),
      ...{ seed: options.seed, rate: options.falsePositives, shown: 4, signal: interrupt.signal },
      onProgress: progress.update,
    });
  } finally {
    progress.end();
    interrupt.release();
    await runtime.close();
  }
  await tell(audit, path, model, images, options);
}

/** What is worth knowing of the file before the work begins. */
function modelNotes({ name, title, output }: ImportedModel): string[] {
  const notes = [`${name}: ${title}`];
  if (output.softmax) notes.push('Its softmax is taken off: the search works on logits.');
  if (output.others.length > 0) {
    notes.push(
      `It has ${output.others.length + 1} outputs: "${output.name}" is examined, not ${output.others.map((other) => `"${other}"`).join(', ')}.`,
    );
  }
  return notes;
}

/** Where what is found is kept; what is there already is forgotten with `--fresh`. */
async function stateOf(model: ImportedModel, options: AuditOptions, settings: CleanseSettings): Promise<AuditState> {
  const { AuditState } = await import('../runner/audit-state.ts');
  const { limit, seed, images, dataset, fresh } = options;
  const place = images === undefined ? { dataset: dataset ?? '' } : { path: placeOf(images) };
  const state = new AuditState(
    { model: model.weightsHash, inputSize: model.inputSize, images: place, limit, settings, seed },
    (message) => log(`warning: ${message}`),
  );
  if (fresh) await state.clear();
  await state.makeRoom();
  return state;
}

/** As many images as an earlier call had time to read: what it found is about those. Too few to say anything by are forgotten. */
async function limitOf(state: AuditState, { limit }: AuditOptions): Promise<number> {
  const { FEWEST_IMAGES } = await import('../runner/audit-verdict.ts');
  const images = (await state.known())?.images;
  if (!images?.cut) return limit;
  if (images.count >= FEWEST_IMAGES) return Math.min(limit, images.count);
  await state.clear();
  return limit;
}

/** The real path; of what is not there the reading will tell. */
function placeOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

interface Reading {
  readonly progress: StepProgress;
  readonly stop: () => boolean;
}

async function imagesFor(
  model: ImportedModel,
  { images, dataset, limit, seed }: AuditOptions,
  { progress, stop }: Reading,
): Promise<ExaminedImages> {
  if (images !== undefined) {
    const { examinedImages } = await import('../data/examined-images.ts');
    return examinedImages(images, { side: model.inputSize, limit, seed, stop }, (done, total) =>
      progress.update('reading images', done, total),
    );
  }
  const { findDataset } = await import('../data/references.ts');
  const { partOf } = await import('../data/examined-images.ts');
  const found = await findDataset(dataset ?? '', progress.update);
  const { test, classes } = await found.load();
  return partOf(test, classes, found.fingerprint, { limit, seed });
}

/** `0-9,cat,12`: numbers, ranges and names. */
function classesOf(text: string, { classes, classNames }: ImportedModel): number[] {
  const found = text.split(',').flatMap((part) => {
    const wanted = part.trim();
    const named = classNames?.indexOf(wanted) ?? -1;
    if (named >= 0) return [named];
    const [, first, last = first] = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(wanted) ?? [];
    if (first === undefined || Number(last) >= classes || Number(first) > Number(last)) {
      throw inputError(`--classes: there is no class "${wanted}"`, {
        hint: `Classes are 0 to ${classes - 1}${classNames ? ` or their names, such as "${classNames[0]}"` : ''}; ranges are written 0-9.`,
      });
    }
    return Array.from({ length: Number(last) - Number(first) + 1 }, (_, i) => Number(first) + i);
  });
  return [...new Set(found)];
}

function normalizationOf(text: string, known: Readonly<Record<string, Normalization>>): Normalization {
  if (Object.hasOwn(known, text)) return known[text];
  const [mean, std] = text.split('/').map((list) => list.split(',').map(Number));
  const fits = (list: number[] | undefined) =>
    list !== undefined && [1, 3].includes(list.length) && list.every(Number.isFinite);
  if (!fits(mean) || !fits(std)) {
    throw inputError(`--normalize ${text} is not known`, {
      hint: `${Object.keys(known).join(', ')}, or mean/std of red, green and blue such as 0.5,0.5,0.5/0.25,0.25,0.25.`,
    });
  }
  return { mean, std };
}

function share(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value > 0 && value <= 0.5))
    throw new InvalidArgumentError('expected a share above 0, up to 0.5.');
  return value;
}
