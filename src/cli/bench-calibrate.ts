// `triggerlab bench calibrate`: measures how long this machine takes for the networks of an experiment, so that plan can tell the time.
import type { Command } from 'commander';
import { textTable } from '../report/text-table.ts';
import type { Measurement } from '../runner/forecast/calibration.ts';
import { finish, withSet } from './command.ts';
import { wholeNumber } from './numbers.ts';
import { print, printJson } from './output.ts';
import { StepProgress } from './progress.ts';

interface Options {
  readonly set: string[];
  readonly threads?: number;
  readonly seconds: number;
  readonly json?: boolean;
}

export function registerBenchCalibrate(group: Command): void {
  const command = group
    .command('calibrate')
    .argument('[spec]', 'experiment spec (YAML) whose networks are measured; the -mini networks unless given')
    .option('--threads <n>', 'threads inside one operation; as run would take unless given', wholeNumber(1, 256))
    .option('--seconds <n>', 'how long to measure the training steps of each network', wholeNumber(1, 600), 2)
    .description('measure how long the networks of an experiment take here; plan predicts time by it from then on');
  finish(withSet(command), [
    'bench calibrate',
    'bench calibrate suites/quick.yaml',
    'bench calibrate suites/sok.yaml --seconds 5',
  ]).action(calibrate);
}

async function calibrate(file: string | undefined, { set, threads, seconds, json }: Options): Promise<void> {
  // Loaded here because they bring in the engine, which help and bad usage should not wait for.
  const [{ measureNetworks, networksOf, usualNetworks }, { keepMeasurements }, { engineVersion }, { chooseLayout }] =
    await Promise.all([
      import('../runner/forecast/measure.ts'),
      import('../runner/forecast/calibration.ts'),
      import('../runtime/node.ts'),
      import('../runner/layout.ts'),
    ]);
  const { loadSpec } = await import('./load-plan.ts');
  const loaded = file === undefined ? undefined : await loadSpec(file, set);
  const networks = loaded ? networksOf(loaded.plan, loaded.catalog) : usualNetworks();
  const layout = chooseLayout(
    new Set(networks.map(({ model }) => model)),
    loaded?.plan.runs.length ?? Number.MAX_SAFE_INTEGER,
  );
  const progress = new StepProgress();
  const measured = await measureNetworks(networks, threads ?? layout.threads, seconds, (done) =>
    progress.update('networks measured', done, networks.length),
  ).finally(() => progress.end());
  const path = await keepMeasurements(measured, engineVersion);
  if (json) printJson({ file: path, engine: engineVersion, measurements: measured });
  else
    print(
      `${table(measured)}\n\nProcessor time for an image. triggerlab plan predicts time by it from now on (${path}).`,
    );
}

function table(measured: readonly Measurement[]): string {
  const right = 'right' as const;
  const columns = [
    { title: 'model' },
    { title: 'freeze' },
    ...['pixels', 'batch', 'threads', 'features', 'training', 'evaluation'].map((title) => ({ title, align: right })),
  ];
  const time = (rate: Measurement['step'] | undefined) => (rate ? `${(1000 * rate.seconds).toPrecision(3)} ms` : '–');
  const rows = measured.map(({ model, freeze, inputSize, batch, threads, features, step, evaluation }) => [
    ...[model, freeze, String(inputSize), String(batch), String(threads)],
    ...[features, step, evaluation].map(time),
  ]);
  return textTable(columns, rows);
}
