// All charts of an experiment: pure functions of its runs and its analysis.
export { asrCharts } from './asr-chart.ts';
export { cadChart } from './cad-chart.ts';
export type { Chart } from './chart-frame.ts';
export { freezeCharts } from './freeze-chart.ts';
export { heatMaps } from './heat-map.ts';
export { attributionCharts, comparisonChart } from './interval-chart.ts';
export { pruningCharts } from './pruning-chart.ts';
export { ratePanels } from './rate-panels.ts';
