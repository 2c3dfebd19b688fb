import { expect, test } from 'vitest';
import { timeByOp } from './trace.ts';

const node = (op: string, ts: number, dur: number) => ({
  cat: 'Node',
  name: `${op}_1_kernel_time`,
  ts,
  dur,
  args: { op_name: op },
});
const run = (ts: number) => ({ cat: 'Session', name: 'model_run', ts, dur: 90 });

test('averages over the runs after the warm-up, dearest op first', () => {
  const events = [
    { cat: 'Session', name: 'session_initialization', ts: 0, dur: 5 },
    run(10),
    node('Conv', 11, 1_000_000),
    run(100),
    node('Add', 101, 1000),
    node('Conv', 102, 2000),
    { ...node('Conv', 103, 7000), name: 'Conv_1_fence_before' },
    run(200),
    node('Add', 201, 500),
    node('Add', 202, 500),
    node('Conv', 203, 4000),
  ];
  expect(timeByOp(JSON.stringify(events), 1)).toEqual([
    { op: 'Conv', calls: 1, milliseconds: 3, share: 0.75 },
    { op: 'Add', calls: 1.5, milliseconds: 1, share: 0.25 },
  ]);
});

test('refuses a trace without runs to average over', () => {
  expect(() => timeByOp(JSON.stringify([run(1)]), 1)).toThrow(/1 runs in the trace, needs more than 1/);
  expect(() => timeByOp('{}', 0)).toThrow(/list of events/);
});
