// The time that an audit may take, counted from the start of the command, and when each of its phases has to end.

export interface AuditBudget {
  /** Seconds that the whole may take. */
  readonly seconds: number;
  /** Seconds that were gone when the work began: loading the program, which tells how busy the machine is. */
  readonly startup: number;
  /** Seconds gone. */
  elapsed(): number;
  /** Whether fewer seconds than this are left. */
  short(seconds: number): boolean;
  /** Asks whether so large a share of what is left now has gone since. */
  within(share: number): () => boolean;
}

/** Shares of what is left that reading pictures and looking at answers may take. */
export const READING = 0.25;
export const LOOKING = 0.2;

/** @param now seconds since the command began */
export function auditBudget(seconds: number, now: () => number): AuditBudget {
  return {
    ...{ seconds, startup: now(), elapsed: now },
    short: (needed) => seconds - now() < needed,
    within(share) {
      const began = now();
      const end = began + share * Math.max(0, seconds - began);
      return () => now() > end;
    },
  };
}

/** Images forward that the trial of one trigger takes, and its evidence (with heat maps, at a third of the speed). */
const TRIAL = 256;
const EVIDENCE = 90;
/** Triggers that are to be tried and shown even where time is short. */
const SHOWN = 3;
/** Graphs to be built, pictures drawn and the page written: about as long as the program took to load. */
const LEAST_FIXED = 3;
const MOST_RESERVED = 0.4;

/** Seconds to be kept for what comes after the search, and of them for the evidence, at so many seconds per image forward. */
export function reserved({ seconds, startup }: AuditBudget, perImage: number): { after: number; evidence: number } {
  const fixed = Math.max(LEAST_FIXED, startup);
  const wanted = fixed + perImage * SHOWN * (TRIAL + EVIDENCE);
  const after = Math.min(MOST_RESERVED * seconds, wanted);
  return { after, evidence: (after * (fixed + perImage * SHOWN * EVIDENCE)) / wanted };
}
