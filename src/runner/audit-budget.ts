// The time that an audit may take, counted from the start of the command, and when each of its phases has to end.

export interface AuditBudget {
  /** Seconds that the whole may take. */
  readonly seconds: number;
  /** Seconds gone. */
  elapsed(): number;
  /** Whether so large a share of it is gone. */
  past(share: number): boolean;
  /** Whether fewer seconds than this are left. */
  short(seconds: number): boolean;
}

/** Parts of the budget after which pictures are read no more, and answers looked at no more. */
export const READING_ENDS = 0.25;
export const LOOKING_ENDS = 0.4;

/** @param now seconds since the command began */
export function auditBudget(seconds: number, now: () => number): AuditBudget {
  return {
    ...{ seconds, elapsed: now },
    past: (share) => now() > share * seconds,
    short: (needed) => seconds - now() < needed,
  };
}

/** Images forward that the trial of one trigger takes, and its evidence (with heat maps, at a third of the speed). */
const TRIAL = 256;
const EVIDENCE = 90;
/** Triggers that are to be tried and shown even where time is short. */
const SHOWN = 3;
/** Graphs to be built, pictures drawn and the page written. */
const FIXED = 3;
const MOST_RESERVED = 0.4;

/** Seconds to be kept for what comes after the search, at so many seconds per image forward. */
export function reserved({ seconds }: AuditBudget, perImage: number): number {
  return Math.min(MOST_RESERVED * seconds, FIXED + perImage * SHOWN * (TRIAL + EVIDENCE));
}

/** Seconds of them for the evidence. */
export function reservedForEvidence(budget: AuditBudget, perImage: number): number {
  return (
    (reserved(budget, perImage) * (FIXED + perImage * SHOWN * EVIDENCE)) /
    (FIXED + perImage * SHOWN * (TRIAL + EVIDENCE))
  );
}
