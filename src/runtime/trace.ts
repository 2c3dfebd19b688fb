// Reads the trace that ONNX Runtime writes when profiling: where the time went, by op type.

export interface OpTime {
  readonly op: string;
  /** Calls and milliseconds per run of the graph. */
  readonly calls: number;
  readonly milliseconds: number;
  /** Share of the time spent in ops. */
  readonly share: number;
}

interface TraceEvent {
  readonly cat?: string;
  readonly name?: string;
  readonly ts?: number;
  readonly dur?: number;
  readonly args?: { readonly op_name?: string };
}

/**
 * Time by op type, dearest first, averaged over the runs after the first `skip`.
 * @throws Error when the text is no trace, or has no run beyond those.
 */
export function timeByOp(trace: string, skip: number): OpTime[] {
  const events = JSON.parse(trace) as TraceEvent[];
  if (!Array.isArray(events)) throw new Error('timeByOp: a trace is a list of events');
  const runs = events.filter(({ name }) => name === 'model_run').map(({ ts = 0 }) => ts);
  const counted = runs.sort((a, b) => a - b).slice(skip);
  if (counted.length === 0) throw new Error(`timeByOp: ${runs.length} runs in the trace, needs more than ${skip}`);
  const totals = new Map<string, { calls: number; microseconds: number }>();
  for (const { cat, name, ts = 0, dur = 0, args } of events) {
    if (cat !== 'Node' || !name?.endsWith('_kernel_time') || ts < counted[0]) continue;
    const op = args?.op_name ?? 'unknown';
    const total = totals.get(op) ?? { calls: 0, microseconds: 0 };
    totals.set(op, { calls: total.calls + 1, microseconds: total.microseconds + dur });
  }
  const all = [...totals.values()].reduce((sum, { microseconds }) => sum + microseconds, 0);
  return [...totals]
    .map(([op, { calls, microseconds }]) => ({
      op,
      calls: calls / counted.length,
      milliseconds: microseconds / 1000 / counted.length,
      share: all > 0 ? microseconds / all : 0,
    }))
    .sort((a, b) => b.milliseconds - a.milliseconds);
}
