// All charts of an experiment: pure functions of its runs.
export { asrCharts } from './asr-chart.ts';
export { cadChart } from './cad-chart.ts';
export type { Chart } from './chart-frame.ts';
