// What `lint` prints: findings for people, and the JSON document.
import { counted, formatPercent } from '../core/format.ts';
import { datasetLabel } from '../core/references.ts';
import { countFindings, type Finding } from '../lint/findings.ts';
import type { CheckedStage, LintResult } from '../lint/lint.ts';
import { describeAttacks } from '../lint/settings.ts';
import { textTable } from '../report/text-table.ts';

/** More triggers than these are told by `--json` and `--out` alone. */
const MAX_ROWS = 32;

/** Paths of the pictures of findings. */
export type Pictures = ReadonlyMap<Finding, readonly string[]>;

export function lintText(result: LintResult, pictures: Pictures = new Map()): string {
  const triggers = result.stages.reduce((sum, { stage }) => sum + stage.settings.length, 0);
  const parts = result.findings.map((finding) =>
    [findingText(finding), ...(pictures.get(finding) ?? []).map((path) => `  picture: ${path}`)].join('\n'),
  );
  const table = triggers > 0 && triggers <= MAX_ROWS ? [survivalTable(result.stages)] : [];
  return [...parts, ...table, summaryLine(result)].join('\n\n');
}

/** `sok: 3 errors, 1 warning, no notes; 135 triggers checked`. */
export function summaryLine({ experiment, findings, stages }: LintResult): string {
  const counts = countFindings(findings);
  const words = Object.entries(counts).map(([severity, n]) => `${n === 0 ? 'no' : n} ${severity}${n === 1 ? '' : 's'}`);
  const checked = stages.reduce((sum, { measured }) => sum + measured.length, 0);
  return `${experiment}: ${words.join(', ')}; ${counted(checked, 'trigger')} checked`;
}

/** A finding on three lines: where and what, the runs concerned, the fix. */
export function findingText({ severity, rule, at, dataset, message, fix, runs }: Finding): string {
  const about = dataset === undefined ? '' : `${dataset}: `;
  const inRuns = runs > 0 ? ` [${counted(runs, 'run')}]` : '';
  return `${severity} ${rule} ${at}\n  ${about}${message}${inRuns}\n  → ${fix}`;
}

function survivalTable(stages: readonly CheckedStage[]): string {
  const right = 'right' as const;
  const columns = [
    { title: 'dataset' },
    { title: 'trigger' },
    { title: 'native px', align: right },
    { title: 'seen px', align: right },
    { title: 'in view', align: right },
    { title: 'energy kept', align: right },
    { title: 'unchanged', align: right },
  ];
  const rows = stages.flatMap(({ stage, measured, images }) =>
    measured.map(({ setting, survival: { native, seen, inView, energyKept } }) => [
      `${datasetLabel(stage.dataset)} → ${stage.inputSize}`,
      describeAttacks(
        [setting.attack],
        stage.settings.map(({ attack }) => attack),
      ).join(),
      native ? native.pixels.toFixed(1) : '–',
      seen.pixels.toFixed(1),
      formatPercent(inView, 0),
      seen.pixels > 0 ? formatPercent(energyKept, 0) : '–',
      images === 'test' ? formatPercent((native ?? seen).unchanged) : '?',
    ]),
  );
  return textTable(columns, rows);
}

/** What `lint --json` prints after the version of the schema. */
export function lintDocument({ experiment, findings, stages }: LintResult, pictures: Pictures = new Map()): object {
  return {
    experiment,
    ...countsOf(findings),
    findings: findings.map((finding) => ({ ...finding, pictures: pictures.get(finding) ?? [] })),
    triggers: stages.flatMap(({ stage, images, measured }) =>
      measured.map(({ setting, survival, missingInTraining }) => ({
        id: setting.id,
        dataset: datasetLabel(stage.dataset),
        inputSize: stage.inputSize,
        preprocessing: stage.preprocessing ?? {},
        augmentation: stage.augmentation ?? {},
        attack: setting.attack,
        runs: setting.runs,
        images,
        ...survival,
        native: survival.native ?? null,
        missingInTraining: missingInTraining ?? null,
      })),
    ),
  };
}

function countsOf(findings: readonly Finding[]) {
  const { error, warning, note } = countFindings(findings);
  return { errors: error, warnings: warning, notes: note };
}
