// `triggerlab plan`: what an experiment comes to, without doing any of it.
import type { Command } from 'commander';
import { counted } from '../core/format.ts';
import { datasetLabel, modelLabel } from '../core/references.ts';
import { textTable } from '../report/text-table.ts';
import { neededEncoders } from '../runner/encoders.ts';
import { describeDesign, designLines } from '../spec/describe-design.ts';
import type { Sample } from '../spec/experiment.ts';
import { type FactorCount, type Plan, sharedTwins } from '../spec/plan.ts';
import { finish, withSet } from './command.ts';
import { loadSpec } from './load-plan.ts';
import { print, printJson } from './output.ts';
import { forecastDocument, forecastLines, forecastOf, type PlanForecast } from './plan-forecast.ts';

interface Options {
  readonly set: string[];
  readonly json?: boolean;
}

export function registerPlan(program: Command): void {
  const command = program
    .command('plan')
    .argument('<spec>', 'experiment spec (YAML)')
    .description(
      'count the runs of an experiment, level by level, and predict time, memory and disk, without doing any',
    );
  finish(withSet(command), [
    'plan suites/quick.yaml',
    'plan suites/quick.yaml --set model=resnet-mini --set training.learningRate=0.01,0.001',
    'plan suites/quick.yaml --set preset=paper-text --json',
  ]).action(async (file: string, options: Options) => {
    const loaded = await loadSpec(file, options.set);
    const { plan } = loaded;
    // The counts are there before the prediction, which looks into every network.
    if (!options.json) print(planText(plan));
    const predicted = await forecastOf(loaded, await neededEncoders(plan.runs.map(({ spec }) => spec)));
    if (options.json) printJson(planDocument(plan, predicted));
    else print([...forecastLines(plan, file, predicted), ...weightsNote(plan)].join('\n'));
  });
}

/** What `plan --json` prints: every run with its id, its twin's id and its fields. */
function planDocument(plan: Plan, predicted: PlanForecast): object {
  const { name, description, repeats, cleanRuns, poisonedRuns, defendedRuns, missingWeights, factors, runs } = plan;
  return {
    name,
    description,
    repeats,
    cleanRuns,
    poisonedRuns,
    defendedRuns,
    sample: plan.sample && sampleOf(plan.sample),
    design: plan.design && describeDesign(plan.design),
    sharedTwins: sharedTwins(plan),
    missingWeights: missingWeights.map(({ model }) => model),
    missingEncoders: predicted.encoders.filter(({ missing }) => missing).map(({ title }) => title),
    ...forecastDocument(predicted),
    factors,
    runs: runs.map(({ runId, twinId, baseId, spec }) => ({
      ...{ runId, twinId: twinId ?? null, ...(baseId && { baseId }), experiment: name, ...spec },
      ...{ dataset: datasetLabel(spec.dataset), model: modelLabel(spec.model) },
    })),
  };
}

function planText(plan: Plan): string {
  const { name, description, repeats, cleanRuns, poisonedRuns, defendedRuns, runs, factors } = plan;
  const defended = defendedRuns === 0 ? '' : `, ${defendedRuns} of these again under a defence`;
  const varying = factors.filter(({ levels }) => levels.length > 1);
  const fixed = factors.filter(({ levels }) => levels.length === 1);
  const rows = varying.flatMap(factorRows);
  const columns = [
    { title: 'factor' },
    { title: 'level' },
    { title: 'poisoned', align: 'right' as const },
    { title: 'clean', align: 'right' as const },
  ];
  const parts = [
    `${name}: ${counted(runs.length, 'run')}, ${poisonedRuns} poisoned and ${cleanRuns} clean${defended}`,
    ...(repeats
      ? [
          `At most: ${repeats.min} seeds of each setting, up to ${repeats.max} until the 95 % interval of ${repeats.metric} is narrower than ${repeats.width}`,
        ]
      : []),
    ...(description === '' ? [] : [description]),
    ...(plan.sample ? [sampleLine(plan.sample)] : []),
    ...(plan.design ? designLines(plan.design) : []),
    ...(rows.length === 0 ? [] : ['', textTable(columns, rows)]),
    '',
    `The same in ${runs.length === 1 ? 'this run' : 'all'}: ${fixed.map(({ field, levels }) => `${field} ${shown(levels[0].value)}`).join(', ')}`,
  ];
  return parts.join('\n');
}

function sampleOf({ method, runs, seed }: Sample): object {
  return { method, runs, seed };
}

function sampleLine({ method, runs, seed }: Sample): string {
  const how = method === 'sobol' ? 'spread evenly (Sobol)' : 'at random';
  return `A sample: ${counted(runs, 'poisoned run')} of all, ${how}, seed ${seed}`;
}

function weightsNote({ missingWeights }: Plan): string[] {
  if (missingWeights.length === 0) return [];
  const names = missingWeights.map(({ model }) => model);
  return [
    '',
    `Not here yet: the pretrained weights of ${names.join(', ')}. Before a run: triggerlab weights pull ${names[0]}${names.length > 1 ? ', and so on' : ''}. Until then their run ids are provisional.`,
  ];
}

function factorRows({ field, levels }: FactorCount): string[][] {
  return levels.map(({ value, poisoned, clean }, i) => [
    i === 0 ? field : '',
    shown(value),
    String(poisoned),
    String(clean),
  ]);
}

function shown(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
