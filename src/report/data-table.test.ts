import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import { type DataTable, dataTableCsv, dataTableHtml, dataTableLatex, dataTableText } from './data-table.ts';
import { latexText } from './latex.ts';

const table: DataTable = {
  name: 'a-table',
  caption: 'ASR & ε',
  columns: [
    { name: 'model', title: 'model' },
    { name: 'asr', title: 'ASR %', align: 'right' },
  ],
  rows: [
    [{ text: 'resnet_mini' }, { text: '91.2 ± 3.4', value: 0.9123 }],
    [{ text: '=cmd()' }, { text: '–', value: null }],
  ],
  notes: ['<b>50 %</b>'],
};

describe('DataTable', () => {
  it('as text', () => {
    expect(dataTableText(table)).toBe(
      'ASR & ε\n\nmodel             ASR %\n-----------  ----------\nresnet_mini  91.2 ± 3.4\n=cmd()                –\n\n<b>50 %</b>',
    );
  });

  it('as CSV at full precision, without formulas', () => {
    expect(dataTableCsv(table)).toBe("model,asr\nresnet_mini,0.9123\n'=cmd(),\n");
  });

  it('as LaTeX with booktabs', () => {
    const latex = dataTableLatex(table);
    expect(latex).toContain('\\begin{tabular}{lr}\n\\toprule\nmodel & ASR \\% \\\\\n\\midrule');
    expect(latex).toContain('resnet\\_mini & 91.2 $\\pm$ 3.4 \\\\');
    expect(latex).toContain('\\caption{ASR \\& $\\varepsilon$}');
    expect(latex.match(/[^\\](\{)/g)?.length).toBe(latex.match(/[^\\](\})/g)?.length);
  });

  it('as HTML, escaped, with heads and a caption', () => {
    const { document } = parseHTML(`<body>${dataTableHtml(table).text}</body>`);
    expect(document.querySelectorAll('th[scope=row]')).toHaveLength(2);
    expect(document.querySelector('caption')?.textContent).toBe('ASR & ε');
    expect(document.querySelectorAll('b')).toHaveLength(0);
    expect(document.querySelector('td')?.getAttribute('data-value')).toBe('0.9123');
  });
});

describe('latexText', () => {
  it('escapes what LaTeX would take for a command', () => {
    expect(latexText('100 % of $x_1 & {a}\\b~c^d #e')).toBe(
      '100 \\% of \\$x\\_1 \\& \\{a\\}\\textbackslash{}b\\textasciitilde{}c\\textasciicircum{}d \\#e',
    );
    expect(latexText('a\nb\u0007')).toBe('a b');
    expect(latexText('η² − ω²')).toBe('$\\eta$$^2$ $-$ $\\omega$$^2$');
  });
});
