// `repeats` in a spec: a number, or as many as it takes for an interval to become narrow.
import { z } from 'zod';

export const ADAPTIVE_METRICS = ['asr', 'cad', 'cleanAccuracy'] as const;

/** Between `min` and `max` seeds of a setting, until the 95 % t interval of its mean is narrower than `width`. */
export interface AdaptiveRepeats {
  readonly min: number;
  readonly max: number;
  readonly metric: (typeof ADAPTIVE_METRICS)[number];
  /** Of the whole interval, as a share: 0.05 is five percentage points. */
  readonly width: number;
}

const MAX_REPEATS = 100_000;
const UNTIL = /^\s*ci\(\s*(asr|cad|cleanAccuracy)\s*\)\s*<\s*(\d*\.?\d+)\s*(%?)\s*$/;

const until = z.string().transform((text, context) => {
  const [, metric, number, percent] = UNTIL.exec(text) ?? [];
  const width = Number(number) / (percent === '%' ? 100 : 1);
  if (metric !== undefined && width > 0 && width < 1) return { metric: metric as AdaptiveRepeats['metric'], width };
  const hint = `One of ${ADAPTIVE_METRICS.join(', ')}; the width of the 95 % interval as a share.`;
  context.addIssue({ code: 'custom', message: 'expected a condition such as "ci(asr) < 0.05"', params: { hint } });
  return z.NEVER;
});

const adaptive = z
  .strictObject({ min: z.int().min(2).max(1000).default(3), max: z.int().min(2).max(1000), until })
  .superRefine(({ min, max }, context) => {
    if (max < min)
      context.addIssue({ code: 'custom', path: ['max'], message: `max is ${max}, below min, which is ${min}` });
  })
  .transform(({ min, max, until: { metric, width } }): AdaptiveRepeats => ({ min, max, metric, width }));

export const repeatsSchema: z.ZodType<number | AdaptiveRepeats> = z.unknown().transform((value, context) => {
  const result = (typeof value === 'object' && value !== null ? adaptive : z.int().min(1).max(MAX_REPEATS)).safeParse(
    value,
  );
  if (result.success) return result.data;
  context.issues.push(...result.error.issues.map((issue) => ({ ...issue, input: value }) as z.core.$ZodRawIssue));
  return z.NEVER;
});
