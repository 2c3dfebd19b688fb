// What `audit` prints and writes.
import { dirname, resolve } from 'node:path';
import { makeDirectory, writeFileAtomic } from '../core/files.ts';
import { formatPercent } from '../core/format.ts';
import type { ExaminedImages } from '../data/examined-images.ts';
import type { ImportedModel } from '../models/imported.ts';
import type { Audit } from '../runner/audit.ts';
import type { AuditOptions } from './audit.ts';
import { print, printJson } from './output.ts';

/** Exit code for a suspicious classifier. */
const SUSPICIOUS = 3;

/** Writes the report, prints the findings and sets the exit code. */
export async function tell(
  audit: Audit,
  path: string,
  model: ImportedModel,
  images: ExaminedImages,
  options: AuditOptions,
): Promise<void> {
  const { auditPage } = await import('../report/audit.ts');
  const { classRows, LIMITS, labelNote, otherSentence, pixelNote, shortcomings, VERDICTS, verdictSentence } =
    await import('../report/audit-words.ts');
  const { calibrationNotes } = await import('../runner/audit-verdict.ts');
  const { fileSha256 } = await import('../core/file-hash.ts');
  const nameOf = (of: number) => model.classNames?.[of] ?? String(of);
  const where = options.images ?? options.dataset ?? '';
  const subject = {
    model: { path, sha256: await fileSha256(path), title: model.title, classes: model.classes },
    images: { path: where, sha256: images.sha256, count: images.source.count, found: images.found, cut: images.cut },
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
        resumedSteps: audit.resumedSteps,
        medianNorm: result.sizes.median ?? null,
        sizeFactor: result.sizes.score ?? null,
        anomalyIndex: result.anomaly.score ?? null,
        classes: classRows(audit, subject),
        cost: result.cost,
      },
      others: audit.others.map(({ name, parameters, found, suspects, seconds }) => ({
        ...{ name, parameters, complete: found !== undefined, seconds },
        ...{ metrics: found?.metrics ?? null, cost: found?.cost ?? null },
        ...(suspects && {
          suspects: suspects.map(({ pixels: _, ...one }) => ({ ...one, answer: nameOf(one.answer) })),
        }),
      })),
      missing: shortcomings(audit, subject),
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
  const rows = classRows(audit, subject);
  const table = textTable(
    [
      { title: 'class' },
      { title: 'mask, pixels', align: right },
      { title: 'times smaller', align: right },
      { title: 'anomaly index', align: right },
      { title: 'works on', align: right },
      { title: '' },
    ],
    rows.map((row) => [
      ...[row.name, figure(row.norm, 1), figure(row.factor, 1), figure(row.anomalyIndex, 2)],
      row.asr === undefined ? '–' : formatPercent(row.asr),
      row.suspicious ? 'suspicious' : row.complete ? '' : 'not to the end',
    ]),
  );
  if (rows.length > 0) print(`${table}\n`);
  for (const one of audit.others) {
    const said = otherSentence(one, audit, subject);
    if (said !== undefined) print(`${one.name}: ${said}\n`);
  }
  for (const text of shortcomings(audit, subject)) print(`No time: ${text}`);
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
