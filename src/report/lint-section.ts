// What lint found before an experiment ran, as the store keeps it with the experiment.
import { z } from 'zod';
import { countFindings, SEVERITIES } from '../lint/findings.ts';
import { type Html, html } from './html-template.ts';

const stored = z.array(
  z.looseObject({
    rule: z.string(),
    severity: z.enum(SEVERITIES),
    at: z.string(),
    dataset: z.string().optional(),
    message: z.string(),
    fix: z.string(),
    runs: z.number(),
  }),
);

export type StoredFinding = z.infer<typeof stored>[number];

/** The findings in an experiment's record; undefined where it has none: stores of older versions. */
export function lintOf(resolved: unknown): readonly StoredFinding[] | undefined {
  if (typeof resolved !== 'object' || resolved === null || !('lint' in resolved)) return undefined;
  return stored.safeParse(resolved.lint).data;
}

/** The record without its findings, which are no part of the spec. */
export function withoutLint(resolved: unknown): unknown {
  if (typeof resolved !== 'object' || resolved === null || !('lint' in resolved)) return resolved;
  const { lint: _, ...rest } = resolved;
  return rest;
}

/** One paragraph and a list; says so when there is nothing. */
export function lintHtml(findings: readonly StoredFinding[]): Html {
  if (findings.length === 0) {
    return html`<p>Nothing: every trigger reaches the model, and no two settings are the same trigger.</p>`;
  }
  const counts = Object.entries(countFindings(findings)).filter(([, count]) => count > 0);
  const words = counts.map(([severity, count]) => `${count} ${severity}${count === 1 ? '' : 's'}`);
  return html`<p>${words.join(', ')}. Read the results with them in mind.</p>
<ul>${findings.map(
    ({ severity, rule, dataset, message, fix, runs, at }) =>
      html`<li><strong class="${severity === 'error' ? 'failed' : ''}">${severity}</strong> <code>${rule}</code>${dataset === undefined ? '' : ` ${dataset}`}: ${message}${runs > 0 ? ` (${runs} ${runs === 1 ? 'run' : 'runs'}, ${at})` : ''} <em>${fix}</em></li>`,
  )}</ul>`;
}
