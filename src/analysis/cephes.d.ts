// The functions of `cephes` that we use: its own types are not reachable through the exports of its package.json.
declare module 'cephes' {
  /** Resolves when the WebAssembly module is ready; calls before that throw. */
  export const compiled: Promise<void>;
  export function fdtrc(df1: number, df2: number, x: number): number;
  export function incbet(a: number, b: number, x: number): number;
  export function ndtri(probability: number): number;
  export function stdtr(df: number, t: number): number;
  export function stdtri(df: number, probability: number): number;
}
