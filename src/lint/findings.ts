// What lint has to say: one finding per thing, with how bad it is, where the spec says so and what to do.

export const SEVERITIES = ['error', 'warning', 'note'] as const;
/** `error`: runs that cannot show what they are meant to. `warning`: results that are easily misread. `note`: good to know. */
export type Severity = (typeof SEVERITIES)[number];

export type RuleName =
  | 'same-trigger'
  | 'not-seen'
  | 'cut-off'
  | 'averaged-away'
  | 'lost-in-training'
  | 'unchanged-images'
  | 'target-counted'
  | 'shared-images'
  | 'dataset-missing'
  | 'weights-missing'
  | 'not-checked';

export interface Finding {
  readonly rule: RuleName;
  readonly severity: Severity;
  /** `file:line:column`, `--set …` or `preset …`: what of the spec leads to it. */
  readonly at: string;
  /** The dataset as results show it; undefined where the finding is about something else. */
  readonly dataset?: string;
  /** One or two sentences with the measured figures. */
  readonly message: string;
  /** What to do about it. */
  readonly fix: string;
  /** Poisoned runs that it is about. */
  readonly runs: number;
  /** The triggers that it is about, by their ids in the list of triggers. */
  readonly triggers: readonly string[];
  /** The measured figures by name. Shares are in [0, 1]. */
  readonly figures: Readonly<Record<string, number>>;
}

/** Errors first, then warnings, then notes; each in the order in which they were found. */
export function inOrder(findings: readonly Finding[]): Finding[] {
  return SEVERITIES.flatMap((severity) => findings.filter((finding) => finding.severity === severity));
}

/** How many there are of each severity. */
export function countFindings(findings: readonly Pick<Finding, 'severity'>[]): Record<Severity, number> {
  const count = (severity: Severity) => findings.filter((finding) => finding.severity === severity).length;
  return { error: count('error'), warning: count('warning'), note: count('note') };
}
