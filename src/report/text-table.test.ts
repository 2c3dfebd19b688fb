import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { displayWidth, textTable } from './text-table.ts';

describe('textTable', () => {
  it('aligns, rules the header and leaves no trailing spaces', () => {
    const table = textTable(
      [{ title: 'model' }, { title: 'ε', align: 'right' }, { title: 'ASR', align: 'right' }, { title: 'note' }],
      [
        ['resnet-mini', '0.5 %', '91.2 ± 3.4 %', ''],
        ['alexnet-mini', '2 %', '0.2 %', 'resists'],
      ],
    );
    expect(table).toBe(
      [
        'model             ε           ASR  note',
        '------------  -----  ------------  -------',
        'resnet-mini   0.5 %  91.2 ± 3.4 %',
        'alexnet-mini    2 %         0.2 %  resists',
      ].join('\n'),
    );
  });

  it('counts terminal columns, not UTF-16 units', () => {
    expect(displayWidth('± ε')).toBe(3);
    expect(displayWidth('e\u0301')).toBe(1);
    expect(displayWidth('数字')).toBe(4);
    expect(displayWidth('🙂')).toBe(2);
  });

  it('keeps a cell on its line whatever it holds', () => {
    expect(textTable([{ title: 'a' }], [['x\ny\u001b[31m']]).split('\n')).toHaveLength(3);
  });

  it('prints a header for no rows and refuses rows that are too long', () => {
    expect(textTable([{ title: 'run' }], [])).toBe('run\n---');
    expect(() => textTable([{ title: 'run' }], [['a', 'b']])).toThrow(/2 cells/);
  });

  it('starts every column at the same place', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string(), fc.string()), { minLength: 1 }), (rows) => {
        const lines = textTable([{ title: 'a', align: 'right' }, { title: 'b' }], rows).split('\n');
        const rule = lines[1].split('  ').map((part) => part.length);
        expect(lines).toHaveLength(rows.length + 2);
        for (const line of lines) {
          expect(line).toBe(line.trimEnd());
          expect(displayWidth(line)).toBeLessThanOrEqual(rule[0] + 2 + rule[1]);
        }
      }),
    );
  });
});
