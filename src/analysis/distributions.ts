// Tails and quantiles of the t, F and normal distributions, from Cephes (compiled to WebAssembly, hence the await).
import { compiled, fdtrc, incbet, ndtri, stdtr, stdtri } from 'cephes';

await compiled;

/** The quantile of Student's t: the t with P(T ≤ t) = `probability`. `df` is a whole number, at least 1. */
export function tQuantile(probability: number, df: number): number {
  return stdtri(df, probability);
}

/** P(|T| ≥ |t|) for Student's t with `df` degrees of freedom. */
export function tTwoSided(t: number, df: number): number {
  return Math.min(1, 2 * stdtr(df, -Math.abs(t)));
}

/** P(F ≥ f) with `df1` and `df2` degrees of freedom; accurate far into the tail. */
export function fUpper(f: number, df1: number, df2: number): number {
  return f <= 0 ? 1 : fdtrc(df1, df2, f);
}

export function normalQuantile(probability: number): number {
  return ndtri(probability);
}

/**
 * P(|T'| ≥ t) for a noncentral t with `df` degrees of freedom: T'² is a noncentral F with 1 and `df`, which is a mixture
 * of beta distributions with Poisson weights (Johnson, Kotz, Balakrishnan: Continuous Univariate Distributions 2, ch. 30).
 */
export function noncentralTwoSided(t: number, df: number, noncentrality: number): number {
  const half = noncentrality ** 2 / 2;
  const x = t ** 2 / (t ** 2 + df);
  // The weights are a Poisson distribution around `half`: twelve deviations to either side hold all of it.
  const spread = 12 * Math.sqrt(half) + 30;
  let logFactorial = 0;
  let below = 0;
  for (let j = 0; j <= half + spread; j++) {
    if (j > 0) logFactorial += Math.log(j);
    if (j < half - spread) continue;
    const weight = half === 0 ? Number(j === 0) : Math.exp(j * Math.log(half) - half - logFactorial);
    if (weight > 0) below += weight * incbet(0.5 + j, df / 2, x);
  }
  return Math.min(1, Math.max(0, 1 - below));
}
