import { expect, it } from 'vitest';
import { counted, formatBytes, formatPercent, formatSeconds } from './format.ts';

it.each([
  [0, '0.0 s'],
  [0.44, '0.4 s'],
  [12.4, '12 s'],
  [59.7, '1 min 00 s'],
  [185, '3 min 05 s'],
  [3599.6, '1 h 00 min'],
  [7815, '2 h 10 min'],
  [4 * 86_400 - 60, '95 h 59 min'],
  [20.4 * 86_400, '20 days'],
  [1234.4 * 365 * 86_400, '1,234 years'],
])('%d seconds: %s', (seconds, text) => {
  expect(formatSeconds(seconds)).toBe(text);
});

it.each([
  [0, '0 B'],
  [512, '512 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [999_949, '999.9 kB'],
  [999_950, '1.0 MB'],
  [4_940_000, '4.9 MB'],
  [1.2e9, '1.2 GB'],
  [5e15, '5000.0 TB'],
])('%d bytes: %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

it('per cent', () => {
  expect(formatPercent(0.9312)).toBe('93.1 %');
  expect(formatPercent(1, 0)).toBe('100 %');
  expect(formatPercent(0.00504, 2)).toBe('0.50 %');
});

it('counts', () => {
  expect([0, 1, 2].map((count) => counted(count, 'run'))).toEqual(['0 runs', '1 run', '2 runs']);
});
