// Text for LaTeX: special characters escaped, the signs that our tables use written as commands.

const SIGNS: Record<string, string> = {
  '\\': '\\textbackslash{}',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
  '±': '$\\pm$',
  '−': '$-$',
  '×': '$\\times$',
  '≤': '$\\le$',
  '≥': '$\\ge$',
  '–': '--',
  '—': '---',
  '…': '\\dots{}',
  '’': "'",
  '“': '``',
  '”': "''",
  ε: '$\\varepsilon$',
  η: '$\\eta$',
  ω: '$\\omega$',
  '²': '$^2$',
  '½': '$\\frac12$',
  '\u00a0': '~',
};

/** Any text on one line, safe in running text of pdfLaTeX; other characters beyond ASCII are left for inputenc. */
export function latexText(text: string): string {
  return text
    .replace(/\s+/g, (space) => (space === '\u00a0' ? space : ' '))
    .replace(/[\p{Cc}\p{Cf}]/gu, '')
    .replace(/[&%$#_{}]/g, (sign) => `\0${sign}`)
    .replace(/[\\~^±−×≤≥–—…’“”εηω²½\u00a0]/g, (sign) => SIGNS[sign])
    .replaceAll('\0', '\\');
}
