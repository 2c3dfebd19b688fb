// What `triggerlab plan` says of time, memory, disk, and of work that runs share.
import { counted, formatBytes, formatCount, formatSeconds } from '../core/format.ts';
import { modelLabel } from '../core/references.ts';
import type { NeededEncoder } from '../runner/encoders.ts';
import { type Calibration, readCalibration } from '../runner/forecast/calibration.ts';
import { type Forecast, forecast, type TimeForecast } from '../runner/forecast/forecast.ts';
import { chooseLayout } from '../runner/layout.ts';
import { type Plan, sharedTwins } from '../spec/plan.ts';
import type { LoadedSpec } from './load-plan.ts';

export interface PlanForecast {
  readonly forecast: Forecast;
  readonly calibration: Calibration | undefined;
  readonly encoders: readonly NeededEncoder[];
}

export async function forecastOf(
  { plan, catalog }: LoadedSpec,
  encoders: readonly NeededEncoder[],
): Promise<PlanForecast> {
  const calibration = readCalibration();
  const layout = chooseLayout(new Set(plan.runs.map(({ spec }) => spec.model)), plan.runs.length);
  return { forecast: await forecast(plan, catalog, layout, calibration), calibration, encoders };
}

/** What `plan --json` prints of it. */
export function forecastDocument({ forecast, calibration, encoders }: PlanForecast): object {
  return {
    sharedFeatures: forecast.features,
    sharedEncoders: encoders.map(({ title, runs, missing }) => ({ title, runs, missing })),
    predicted: {
      ...{ time: forecast.time ?? null, memory: forecast.memory, disk: forecast.disk, uncounted: forecast.uncounted },
      calibration: calibration ? { machine: calibration.machine, measuredAt: calibration.measuredAt } : null,
    },
  };
}

export function forecastLines(plan: Plan, file: string, { forecast, calibration, encoders }: PlanForecast): string[] {
  const { memory, disk, uncounted, time } = forecast;
  const { model, inputSize, batchSize } = memory;
  const shared = [...twinsLine(plan, time), ...featuresLine(forecast), ...encoders.map(encoderLine)];
  const kept = disk.features === 0 ? [] : [`${formatBytes(disk.features)} of features`];
  const parts = [...kept, `${formatBytes(disk.weights)} of trained networks`];
  const over =
    disk.features > disk.featureLimit
      ? `, more than the ${formatBytes(disk.featureLimit)} that TRIGGERLAB_FEATURES allows: the rest is computed again`
      : '';
  return [
    ...(shared.length === 0 ? [] : ['', `Shared work: ${shared.join('\n  ')}`]),
    '',
    ...(time && calibration ? timeLines(plan, file, time, calibration) : [untimed(file)]),
    ...(memory.largestRun === 0
      ? []
      : [
          `Memory: up to ${formatBytes(memory.largestRun)} a run (${modelLabel(model)}, ${inputSize} pixels, batch ${batchSize})`,
        ]),
    `Disk: about ${parts.join(', ')}, ${formatBytes(disk.records)} of records${over}`,
    ...(uncounted.length === 0 ? [] : [`Not counted: runs on ${uncounted.join(', ')}, whose images are not here yet`]),
  ];
}

const saving = (seconds: number | undefined) =>
  seconds === undefined ? '' : ` (saves ${formatSeconds(seconds)} of work)`;

function twinsLine(plan: Plan, time: TimeForecast | undefined): string[] {
  const { twins, sharedBy, runsSaved } = sharedTwins(plan);
  if (runsSaved === 0) return [];
  const serve = twins === 1 ? 'serves' : 'serve';
  return [
    `${counted(twins, 'clean twin')} ${serve} ${sharedBy} poisoned runs; ${runsSaved} runs more if each had its own${saving(time?.saved.twins)}.`,
  ];
}

function featuresLine({ features, time }: Forecast): string[] {
  if (features.sets === 0) return [];
  return [
    `features of ${counted(features.sets, 'frozen network')}: ${formatCount(features.images)} images, each once; ` +
      `${formatCount(features.alone)} if each run had its own${saving(time?.saved.features)}, ${formatCount(features.everyEpoch)} if nothing were kept.`,
  ];
}

function encoderLine({ title, runs, missing }: NeededEncoder): string {
  const state = missing ? 'to be trained before them, which is not in the time' : 'trained already';
  return `SSBA's encoder (${title}) serves ${counted(runs, 'run')}; ${state}.`;
}

function timeLines(plan: Plan, file: string, time: TimeForecast, { machine, measuredAt }: Calibration): string[] {
  const { layout, work } = time;
  const parts = [
    ...(time.features > 0 ? [`features ${formatSeconds(time.features)}`] : []),
    `training ${formatSeconds(time.training)}`,
    `evaluation ${formatSeconds(time.evaluation)}`,
  ];
  const how = `${counted(layout.workers, 'worker')} of ${counted(layout.threads, 'thread')}`;
  return [
    `Predicted: ${formatSeconds(time.wall)} with ${how} on ${machine.name} (${machine.cpu}, ${counted(machine.cores, 'core')}; calibrated ${measuredAt.slice(0, 10)})`,
    `  ${formatSeconds(work)} of work: ${parts.join(', ')}`,
    ...(time.measured
      ? []
      : [`  Some of its networks were not measured, but predicted from others: triggerlab bench calibrate ${file}`]),
    ...(plan.defendedRuns === 0 ? [] : [`  The ${counted(plan.defendedRuns, 'run')} under a defence are not in it.`]),
  ];
}

function untimed(file: string): string {
  return `Time: not known for this machine yet. Measure it once: triggerlab bench calibrate ${file}`;
}
