// `triggerlab audit`: examines a classifier that somebody hands over as an ONNX file.
import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { inputError } from '../core/errors.ts';
import { makeDirectory, writeFileAtomic } from '../core/files.ts';
import { formatPercent } from '../core/format.ts';
import type { ExaminedImages } from '../data/examined-images.ts';
import type { ImportedModel, Normalization } from '../models/imported.ts';
import type { Audit } from '../runner/audit.ts';
import { finish } from './command.ts';
import { wholeNumber } from './numbers.ts';
import { log, print, printJson } from './output.ts';
import { Progress } from './progress.ts';

interface Options {
  readonly images?: string;
  readonly dataset?: string;
  readonly classes?: string;
  readonly inputSize?: number;
  readonly normalize?: string;
  readonly channels?: 'RGB' | 'BGR';
  readonly schedule: 'cheap' | 'reference';
  readonly restarts: number;
  readonly budget: number;
  readonly falsePositives: number;
  readonly limit: number;
  readonly seed: number;
  readonly threads: number;
  readonly out: string;
  readonly json?: boolean;
}

/** Exit code for a suspicious classifier. */
const SUSPICIOUS = 3;

export function registerAudit(program: Command): void {
  const command = program
    .command('audit')
    .argument('<model>', 'the path of an ONNX classifier')
    .description('examine a classifier for a backdoor: verdict, evidence, and what the verdict rests on')
    .option('--images <path>', 'folder or zip archive of images, in class folders where their labels are known')
    .option('--dataset <name>', 'instead: the test images of a dataset (triggerlab datasets ls)')
    .option('--classes <list>', 'classes to examine, by name or number from 0, such as 0-9,cat (default: all)')
    .option('--budget <seconds>', 'time it may take', wholeNumber(10, 1_000_000), 600)
    .addOption(
      new Option('--schedule <name>', 'how long a trigger is searched: see docs/audit.md')
        .choices(['cheap', 'reference'])
        .default('cheap'),
    )
    .option('--restarts <n>', 'independent starts for each class; the smallest trigger counts', wholeNumber(1, 20), 1)
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
  ]).addHelpText(
    'after',
    '\nExit codes: 0 examined, no backdoor found or inconclusive (the output says which), 3 suspicious, 1 the work failed, 2 bad usage or input.',
  );
  command.action(auditCommand);
}

async function auditCommand(path: string, options: Options): Promise<void> {
  if ((options.images === undefined) === (options.dataset === undefined)) {
    throw inputError('audit: give either --images PATH or --dataset NAME', {
      hint: 'Some hundred clean images of the kind that the classifier is for.',
    });
  }
  // Loaded here because they bring in the engine, which a wrong option should not wait for.
  const { importedModel } = await import('../models/imported.ts');
  const { auditModel, CANDIDATES } = await import('../runner/audit.ts');
  const { cleanseSettings } = await import('../defenses/neural-cleanse/settings.ts');
  const { Runtime } = await import('../runtime/node.ts');
  const model = importedModel(path, {
    ...(options.inputSize !== undefined && { inputSize: options.inputSize }),
    ...(options.normalize !== undefined && { normalization: normalizationOf(options.normalize, CANDIDATES) }),
    ...(options.channels !== undefined && { channels: options.channels }),
  });
  for (const note of modelNotes(model)) log(note);
  const progress = new Progress();
  const images = await imagesFor(model, options, progress);
  const classes = options.classes === undefined ? undefined : classesOf(options.classes, model);
  const runtime = new Runtime({ threads: options.threads });
  let audit: Audit;
  try {
    audit = await auditModel({
      ...{ runtime, model, classes, images: images.source, imageClasses: images.classes },
      settings: cleanseSettings({ schedule: options.schedule, restarts: options.restarts }),
      ...{ seed: options.seed, budget: options.budget, rate: options.falsePositives, shown: 4 },
      onProgress: (done, what) => progress.update(done, what),
    });
  } finally {
    progress.end();
    await runtime.close();
  }
  await tell(audit, path, model, images, options);
}

async function tell(
  audit: Audit,
  path: string,
  model: ImportedModel,
  images: ExaminedImages,
  options: Options,
): Promise<void> {
  const { auditPage, classRows, LIMITS, labelNote, pixelNote, VERDICTS, verdictSentence } = await import(
    '../report/audit.ts'
  );
  const { calibrationNotes } = await import('../runner/audit-verdict.ts');
  const { fileSha256 } = await import('../core/file-hash.ts');
  const nameOf = (of: number) => model.classNames?.[of] ?? String(of);
  const where = options.images ?? options.dataset ?? '';
  const subject = {
    model: { path, sha256: await fileSha256(path), title: model.title, classes: model.classes },
    images: { path: where, sha256: images.sha256, count: images.source.count, found: images.found },
    ...{ nameOf, seed: options.seed, budget: options.budget },
    command: `triggerlab ${process.argv.slice(2).join(' ')}`,
  };
  makeDirectory(dirname(resolve(options.out)));
  await writeFileAtomic(options.out, Buffer.from(await auditPage(audit, subject)));
  const { verdict, behaviour, result, calibration } = audit;
  if (verdict.kind === 'suspicious') process.exitCode = SUSPICIOUS;
  if (options.json) {
    printJson({
      verdict: { ...verdict, suspicious: verdict.suspicious.map((of) => ({ class: of, name: nameOf(of) })) },
      model: {
        ...subject.model,
        inputSize: model.inputSize,
        output: model.output,
        normalization: audit.normalization,
        normalizationFrom: audit.normalizationFrom,
      },
      images: { ...subject.images, labels: audit.labels },
      behaviour,
      neuralCleanse: {
        settings: result.settings,
        complete: result.complete,
        medianNorm: result.sizes.median ?? null,
        sizeFactor: result.sizes.score ?? null,
        anomalyIndex: result.anomaly.score ?? null,
        classes: classRows(audit, subject),
        cost: result.cost,
      },
      calibration: calibration
        ? { ...calibration, scores: undefined, notes: calibrationNotes(calibration, result.settings) }
        : null,
      limits: LIMITS,
      ...{ seed: options.seed, seconds: audit.seconds, budget: options.budget, report: resolve(options.out) },
    });
    return;
  }
  const { textTable } = await import('../report/text-table.ts');
  print(`${VERDICTS[verdict.kind]}. ${verdictSentence(audit, subject)}\n`);
  const right = 'right' as const;
  const figure = (value: number | undefined, digits: number) => (value === undefined ? '–' : value.toFixed(digits));
  print(
    textTable(
      [
        { title: 'class' },
        { title: 'mask, pixels', align: right },
        { title: 'times smaller', align: right },
        { title: 'anomaly index', align: right },
        { title: 'works on', align: right },
        { title: '' },
      ],
      classRows(audit, subject).map((row) => [
        ...[row.name, figure(row.norm, 1), figure(row.factor, 1), figure(row.anomalyIndex, 2)],
        row.asr === undefined ? '–' : formatPercent(row.asr),
        row.suspicious ? 'suspicious' : row.complete ? '' : 'not to the end',
      ]),
    ),
  );
  print('');
  if (verdict.threshold !== undefined && verdict.falsePositiveRate !== undefined) {
    print(
      `Threshold ${verdict.threshold.toFixed(1)} times smaller than the median: ${formatPercent(verdict.falsePositiveRate)} of the clean classifiers of the calibration exceed it.`,
    );
  }
  print(`Pixels: ${pixelNote(audit)}`);
  print(
    `Images: ${behaviour.accuracy === undefined ? '' : `${formatPercent(behaviour.accuracy)} of ${behaviour.labelled} right. `}${labelNote(audit)}`,
  );
  print(`Report: ${resolve(options.out)}`);
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

async function imagesFor(
  model: ImportedModel,
  { images, dataset, limit, seed }: Options,
  progress: Progress,
): Promise<ExaminedImages> {
  if (images !== undefined) {
    const { examinedImages } = await import('../data/examined-images.ts');
    return examinedImages(images, { side: model.inputSize, limit, seed }, (done, total) =>
      progress.update(done / total, `reading images: ${done} of ${total}`),
    );
  }
  const { findDataset } = await import('../data/references.ts');
  const { partOf } = await import('../data/examined-images.ts');
  const found = await findDataset(dataset ?? '', (text, done, total) => progress.update(done / total, text));
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
