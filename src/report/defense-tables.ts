// Defences as tables: what is left of the attack after each repair, and what each defence that looks has found.
import { compareFactor, factorsAcross, factorsOf, factorTitle, formatFactor } from '../analysis/factors.ts';
import type { RunRecord } from '../store/records.ts';
import type { DataCell, DataTable } from './data-table.ts';
import { doneUnderDefence, isRepair, meanFigure, STAGES, settingsOf, stageFigure } from './defense-figures.ts';

const right = { align: 'right' } as const;

/** The tables of the defended runs; empty where there are none. */
export function defenseTables(runs: readonly RunRecord[]): DataTable[] {
  const done = doneUnderDefence(runs);
  const repairs = done.filter(isRepair);
  const findings = done.filter((run) => !isRepair(run));
  const names = [...new Set(findings.map(({ spec }) => String(spec.defense?.type)))].sort();
  return [
    ...(repairs.length > 0 ? [repairTable(repairs)] : []),
    ...names.map((name) =>
      findingsTable(
        name,
        findings.filter(({ spec }) => spec.defense?.type === name),
      ),
    ),
  ];
}

/** Factors that tell settings apart, the defence first. */
function leading(runs: readonly RunRecord[]): string[] {
  const { varying } = factorsAcross(runs.map(({ spec }) => spec));
  const own = ['defense', 'attack', ...varying];
  const order = [...new Set(own)].filter((name) => name !== 'seed');
  return order.sort((a, b) => Number(b.startsWith('defense')) - Number(a.startsWith('defense')));
}

function settingCells(runs: readonly RunRecord[], names: readonly string[]): DataCell[] {
  const factors = factorsOf(runs[0].spec);
  return names.map((name) => ({ text: formatFactor(name, factors[name]), value: factors[name] ?? null }));
}

function sorted(runs: readonly RunRecord[], names: readonly string[]): RunRecord[][] {
  const order = ['defense', 'attack'];
  const by = [...order, ...names.filter((name) => !order.includes(name))];
  return settingsOf(runs).sort((a, b) => {
    const [left, right] = [factorsOf(a[0].spec), factorsOf(b[0].spec)];
    return by.map((name) => compareFactor(left[name], right[name])).find((found) => found !== 0) ?? 0;
  });
}

function share(figure: ReturnType<typeof meanFigure>): DataCell {
  if (!figure) return { text: '–', value: null };
  const text = (value: number) => (100 * value).toFixed(1);
  return {
    text: figure.sd === null ? text(figure.mean) : `${text(figure.mean)} ± ${text(figure.sd)}`,
    value: figure.mean,
  };
}

function repairTable(runs: readonly RunRecord[]): DataTable {
  const names = leading(runs);
  const measures = [
    { name: 'asr', title: 'ASR %' },
    { name: 'cleanAccuracy', title: 'clean acc. %' },
  ] as const;
  return {
    name: 'defense-repairs',
    caption: 'What is left of the attack after each repair, and of the accuracy',
    columns: [
      ...names.map((name) => ({ name, title: factorTitle(name) })),
      { name: 'n', title: 'n', ...right },
      ...measures.flatMap((measure) =>
        STAGES.map((stage) => ({
          ...{ name: `${measure.name}-${stage.name}`, title: `${measure.title} ${stage.title}` },
          ...right,
        })),
      ),
    ],
    rows: sorted(runs, names).map((setting) => [
      ...settingCells(setting, names),
      { text: String(setting.length), value: setting.length },
      ...measures.flatMap((measure) => STAGES.map(({ name }) => share(stageFigure(setting, name, measure.name)))),
    ]),
    notes: [
      'Pruned and fine-tuned only are the parts of Fine-Pruning alone; a dash is a part that a defence has not.',
      ...(runs.length > settingsOf(runs).length ? ['± is the sample standard deviation over seeds.'] : []),
    ],
  };
}

/** Figures that are shares and read as per cent. */
const PERCENT = new Set(['precision', 'recall', 'falsePositiveRate', 'reasr']);

function findingsTable(defence: string, runs: readonly RunRecord[]): DataTable {
  const names = leading(runs).filter((name) => name !== 'defense');
  const figures = [...new Set(runs.flatMap(({ defense }) => Object.keys(defense?.metrics ?? {})))];
  const cell = (setting: readonly RunRecord[], name: string): DataCell => {
    const values = setting.map(({ defense }) => defense?.metrics[name] ?? null);
    const flags = values.filter((value) => typeof value === 'boolean');
    if (flags.length > 0) {
      const yes = flags.filter(Boolean).length;
      return {
        text: flags.length === 1 ? (yes ? 'yes' : 'no') : `${yes} of ${flags.length}`,
        value: yes / flags.length,
      };
    }
    const figure = meanFigure(values);
    if (!figure) return { text: String(values.find((value) => value !== null) ?? '–'), value: values[0] };
    if (PERCENT.has(name)) return share(figure);
    return { text: String(Number(figure.mean.toPrecision(4))), value: figure.mean };
  };
  return {
    name: `defense-${defence}`,
    caption: `What ${defence} found`,
    columns: [
      ...names.map((name) => ({ name, title: factorTitle(name) })),
      { name: 'n', title: 'n', ...right },
      ...figures.map((name) => ({
        name,
        title: PERCENT.has(name) ? `${factorTitle(name)} %` : factorTitle(name),
        ...right,
      })),
      { name: 'forwardPasses', title: 'images forward', ...right },
      { name: 'seconds', title: 's', ...right },
    ],
    rows: sorted(runs, names).map((setting) => {
      const forward = meanFigure(setting.map(({ defense }) => defense?.cost.forwardPasses));
      const seconds = meanFigure(setting.map(({ defense }) => defense?.cost.seconds));
      return [
        ...settingCells(setting, names),
        { text: String(setting.length), value: setting.length },
        ...figures.map((name) => cell(setting, name)),
        { text: Math.round(forward?.mean ?? 0).toLocaleString('en'), value: forward?.mean ?? null },
        { text: (seconds?.mean ?? 0).toFixed(1), value: seconds?.mean ?? null },
      ];
    }),
    notes: [
      'docs/defenses.md says what each figure is. A dash has no meaning for the run: in clean data there is nothing to find.',
    ],
  };
}
