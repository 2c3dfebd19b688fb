// Lint: every trigger of an experiment is measured before hours are spent on it.
import { messageOf, TriggerlabError } from '../core/errors.ts';
import { formatPercent } from '../core/format.ts';
import { datasetLabel } from '../core/references.ts';
import type { Dataset } from '../data/dataset.ts';
import { storedShape } from '../data/preprocessing-fields.ts';
import { rewriteDataset } from '../data/rewrite.ts';
import type { Runtime } from '../runtime/node.ts';
import type { Catalog } from '../spec/catalog.ts';
import type { ExperimentSpec } from '../spec/experiment.ts';
import type { Plan } from '../spec/plan.ts';
import { type Finding, inOrder } from './findings.ts';
import { measureStage, type StageMeasures } from './measure-stage.ts';
import { placeOf } from './places.ts';
import { stageFindings } from './rules.ts';
import { type Stage, stagesOf } from './settings.ts';
import { countSharedImages } from './shared-images.ts';

/** A stage with what was measured of its triggers. */
export interface CheckedStage extends StageMeasures {
  readonly stage: Stage;
  /** Whether on test images of the dataset, or on noise of their shape. */
  readonly images: 'test' | 'noise';
}

export interface LintResult {
  readonly experiment: string;
  /** Errors first. */
  readonly findings: readonly Finding[];
  readonly stages: readonly CheckedStage[];
  /** The datasets that were here, by the names of the spec. */
  readonly datasets: ReadonlyMap<string, Dataset>;
}

export interface LintOptions {
  readonly experiment: ExperimentSpec;
  readonly plan: Plan;
  readonly catalog: Catalog;
  readonly runtime: Runtime;
  /** @throws TriggerlabError (input) for a dataset that is not here. */
  readonly load: (dataset: string) => Promise<Dataset>;
  /** Told now and then what is being done and how far it is, in [0, 1]. */
  readonly onProgress?: (text: string, share: number) => void;
}

/** Checks a planned experiment. Trains nothing and writes nothing but what it found out about datasets, to the cache. */
export async function lintExperiment(given: LintOptions): Promise<LintResult> {
  // Defended runs have the data and the trigger of their bases.
  const undefended = given.plan.runs.filter(({ spec }) => spec.defense === undefined);
  const options = { ...given, plan: { ...given.plan, runs: undefended } };
  const { experiment, plan, catalog, runtime, onProgress } = options;
  const stages = stagesOf(plan.runs);
  const total = stages.reduce((sum, { settings }) => sum + settings.length, 0);
  const datasets = [...new Set(plan.runs.map(({ spec }) => spec.dataset))];
  const findings: Finding[] = [];
  const loaded = new Map<string, Dataset>();
  for (const name of datasets) {
    const label = datasetLabel(name);
    onProgress?.(`reading ${label}`, 0);
    const { dataset, found } = await examineDataset(name, options);
    if (dataset) loaded.set(name, dataset);
    findings.push(...found);
  }
  let done = 0;
  const checked: CheckedStage[] = [];
  for (const stage of stages) {
    const dataset = loaded.get(stage.dataset);
    const rewrite = stage.preprocessing?.rewrite ?? 'none';
    const measures = await measureStage(stage, {
      runtime,
      shape: storedShape(catalog.datasets.get(stage.dataset), rewrite),
      test: dataset && rewriteDataset(dataset, rewrite).test,
      onSetting: () => onProgress?.(`${datasetLabel(stage.dataset)}: trigger ${done + 1} of ${total}`, done++ / total),
    });
    checked.push({ stage, images: dataset ? 'test' : 'noise', ...measures });
    findings.push(...stageFindings({ stage, real: dataset !== undefined, measured: measures.measured }, experiment));
    findings.push(...uncheckedFindings(stage, measures, experiment));
  }
  for (const name of datasets) findings.push(...targetFindings(name, options));
  findings.push(...weightsFindings(plan));
  return { experiment: plan.name, findings: inOrder(findings), stages: checked, datasets: loaded };
}

interface Examined {
  readonly dataset: Dataset | undefined;
  readonly found: readonly Finding[];
}

async function examineDataset(name: string, options: LintOptions): Promise<Examined> {
  const { experiment, plan, catalog, load, onProgress } = options;
  const label = datasetLabel(name);
  const runs = plan.runs.filter(({ spec }) => spec.dataset === name && spec.attack.type !== 'none').length;
  const common = { at: placeOf(experiment, 'dataset', name), dataset: label, runs, triggers: [] };
  let dataset: Dataset;
  try {
    dataset = await load(name);
  } catch (error) {
    if (!(error instanceof TriggerlabError)) throw error;
    const missing: Finding = {
      ...{ ...common, rule: 'dataset-missing', severity: 'note', figures: {} },
      message: `${messageOf(error)}: the geometry of its triggers was checked on noise; colours and shared images were not.`,
      fix: error.hint ?? 'Get the dataset and lint again.',
    };
    return { dataset: undefined, found: [missing] };
  }
  const { fingerprint } = catalog.datasets.get(name);
  const shared = await countSharedImages(fingerprint, async () => {
    onProgress?.(`looking for images that training and test of ${label} share`, 0);
    return dataset;
  });
  if (shared.exact + shared.near === 0) return { dataset, found: [] };
  const { count } = dataset.test;
  const parts = [
    ...(shared.exact > 0
      ? [
          `${shared.exact} of ${count} test images (${formatPercent(shared.exact / count, 2)}) are training images too, ${shared.relabelled} of them with another label`,
        ]
      : []),
    ...(shared.near > 0
      ? [
          `${shared.near} ${shared.exact > 0 ? 'more ' : `of ${count} test images `}(${formatPercent(shared.near / count, 2)}) nearly equal a training image`,
        ]
      : []),
  ];
  const leak: Finding = {
    ...{ ...common, rule: 'shared-images', severity: shared.exact > 0 ? 'warning' : 'note' },
    message: `${parts.join('; ')}.`,
    fix: 'Accuracy on such images is remembered, not learnt: report the share, or leave those images out of the test split.',
    figures: { exact: shared.exact, relabelled: shared.relabelled, near: shared.near, testImages: count },
  };
  return { dataset, found: [leak] };
}

function uncheckedFindings(stage: Stage, { unchecked }: StageMeasures, experiment: ExperimentSpec): Finding[] {
  const reasons = new Set(unchecked.map(({ reason }) => reason));
  return [...reasons].map((reason): Finding => {
    const alike = unchecked.filter((one) => one.reason === reason);
    const settings = alike.map(({ setting }) => setting);
    const { type } = settings[0].attack;
    return {
      ...{ rule: 'not-checked', severity: 'note', dataset: datasetLabel(stage.dataset), figures: {} },
      at: placeOf(experiment, 'attack.type', type, type),
      message: `${settings.length} ${type} ${settings.length === 1 ? 'trigger was' : 'triggers were'} not checked: ${reason}.`,
      fix: alike[0].hint ?? 'Put that right and lint again.',
      runs: settings.reduce((sum, setting) => sum + setting.runs, 0),
      triggers: settings.map(({ id }) => id),
    };
  });
}

/** The authors' programs count test images of the target class: their figures compare with `asrInclusive`. */
function targetFindings(name: string, { experiment, plan, catalog }: LintOptions): Finding[] {
  const block = experiment.blocks.find(({ preset, attackType }) => /^paper-code/.test(preset) && attackType !== 'none');
  if (!block) return [];
  const runs = plan.runs.filter(({ spec }) => spec.dataset === name && spec.attack.type !== 'none');
  const { classCounts } = catalog.datasets.get(name);
  if (runs.length === 0 || !classCounts) return [];
  const counts = classCounts.test;
  const all = counts.reduce((sum, count) => sum + count, 0);
  const targets = [...new Set(runs.map(({ spec }) => spec.targetClass))];
  return targets.map((target): Finding => {
    const share = counts[target] / all;
    return {
      ...{ rule: 'target-counted', severity: 'note', dataset: datasetLabel(name), triggers: [] },
      at: placeOf(experiment, 'target', target),
      message: `the authors’ programs count test images of the target class in the attack success rate: ${counts[target]} of ${all} are of class ${target}, so that a clean model reaches about ${formatPercent(share)}.`,
      fix: 'Compare published figures with asrInclusive; asr leaves those images out.',
      runs: runs.filter(({ spec }) => spec.targetClass === target).length,
      figures: { targetShare: share },
    };
  });
}

function weightsFindings({ missingWeights, runs }: Plan): Finding[] {
  return missingWeights.map(({ model, at }) => ({
    ...{ rule: 'weights-missing', severity: 'note', at, figures: {}, triggers: [] },
    message: `the pretrained weights of ${model} are not here.`,
    fix: `triggerlab weights pull ${model}`,
    runs: runs.filter(({ spec }) => spec.model === model && spec.attack.type !== 'none').length,
  }));
}
