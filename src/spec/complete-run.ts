// A cell → the run it stands for: trigger parameters completed, and everything checked that takes several fields.
import { inputError, TriggerlabError } from '../core/errors.ts';
import { onceEach } from '../core/once-each.ts';
import { isModelReference, splitVersion, withVersion } from '../core/references.ts';
import { storedShape } from '../data/preprocessing-fields.ts';
import { noPretrainedWeights } from '../models/pretrained.ts';
import { labelRule } from '../triggers/label-rule.ts';
import { stampShape } from '../triggers/stamp-shape.ts';
import type { Catalog } from './catalog.ts';
import { type Cell, type Levels, levelOf } from './cells.ts';
import { completed, type GroupKeys, groupKeys, parametersIn } from './complete-parameters.ts';
import type { Level } from './experiment.ts';
import { normalise } from './identity.ts';
import { isNeutralKey } from './neutral.ts';
import type { AttackSpec, DefenseSpec, RunSpec, TrainingSpec } from './run-spec.ts';
import type { Seeded } from './seeds.ts';

/** A model whose published weights are not here, and where the spec first names it. */
export interface MissingWeights {
  readonly model: string;
  readonly at: string;
}

/** Makes runs, and remembers which triggers and networks it has already found to fit. */
export class RunMaker {
  readonly #catalog: Catalog;
  readonly #fitting = new Set<string>();
  readonly #missing = new Map<string, MissingWeights>();
  readonly #groups = new Map<string, unknown>();
  readonly #value = onceEach((key: string): unknown => JSON.parse(key));
  #numbers = 0;
  readonly #numberOf = onceEach((_: Level | AttackSpec): number => this.#numbers++);

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  /** Published weights that the runs made so far need and that have not been pulled. */
  get missingWeights(): readonly MissingWeights[] {
    return [...this.#missing.values()];
  }

  /** The runs of cells, neighbours that share their levels as one setting. @throws TriggerlabError (input), with the place in the spec, where values do not go together. */
  makeAll(cells: readonly Cell[]): Seeded[][] {
    const settings: { levels: Levels; setting: RunSpec; runs: Seeded[] }[] = [];
    for (const cell of cells) {
      let last = settings.at(-1);
      if (last?.levels !== cell.levels) {
        last = { levels: cell.levels, setting: this.#make(cell), runs: [] };
        settings.push(last);
      }
      last.runs.push({ setting: last.setting, seed: this.#value(cell.seed.key) as number });
    }
    return settings.map(({ runs }) => runs);
  }

  #make(cell: Cell): RunSpec {
    const { block, levels } = cell;
    const poisoned = block.attackType !== 'none';
    if (poisoned && levels.poisonRate === undefined) {
      throw inputError(`${block.at}: poisonRate is missing: the share of training images to poison`, {
        hint: 'Write it in the attack block or at the top level, such as poisonRate: 0.01.',
      });
    }
    // The checked value: what the schema of the field made of it, so the casts below hold.
    const value = (field: string): unknown => this.#value(levelOf(cell, field, this.#catalog)?.key ?? 'null');
    const keys = groupKeys(levels, this.#numberOf);
    const group = (name: string) =>
      this.#group(name, keys, () => {
        const given = Object.keys(levels).filter((field) => field.startsWith(`${name}.`));
        const members = given.filter((field) => !isNeutralKey(field, levels[field].key));
        return Object.fromEntries(members.map((field) => [field.slice(name.length + 1), value(field)]));
      });
    const weightsName = (model: string, version: string) => {
      const fixed = version === 'default' || splitVersion(model).version !== undefined || isModelReference(model);
      return fixed || value('init') === 'random' ? model : withVersion(model, version);
    };
    const run = normalise({
      dataset: value('dataset') as string,
      model: weightsName(value('model') as string, value('weights') as string),
      init: value('init') as RunSpec['init'],
      freeze: value('freeze') as string,
      inputSize: value('inputSize') as number,
      stem: value('stem') as RunSpec['stem'],
      testLimit: value('testLimit') as RunSpec['testLimit'],
      asrOver: value('asrOver') as RunSpec['asrOver'],
      preprocessing: group('preprocessing') as RunSpec['preprocessing'],
      augmentation: group('augmentation') as RunSpec['augmentation'],
      attack: this.#attack(cell, keys),
      poisonRate: value('poisonRate') as number,
      targetClass: value('target') as number,
      ...this.#labelFields(value),
      training: group('training') as unknown as TrainingSpec,
      defense: this.#defense(cell, keys),
      seed: value('seed') as number,
    });
    this.#checkTarget(run, cell);
    if (poisoned) this.#checkLabels(run, cell);
    this.#checkModel(run, cell);
    if (poisoned) this.#checkTrigger(run, cell);
    this.#checkDefense(run, cell);
    return run;
  }

  /** Fields of the label rule, which are absent where they are as usual. */
  #labelFields(value: (field: string) => unknown): Pick<RunSpec, 'labels' | 'sources' | 'coverRate' | 'poisonSet'> {
    return {
      labels: value('labels') as RunSpec['labels'],
      sources: (value('sources') as RunSpec['sources'] | null) ?? undefined,
      coverRate: value('coverRate') as RunSpec['coverRate'],
      poisonSet: value('poisonSet') as RunSpec['poisonSet'],
    };
  }

  /** The trigger's parameters, so that a written default and an unwritten one are the same run. */
  #attack({ block, levels }: Cell, keys: GroupKeys): AttackSpec {
    const { attackType: type } = block;
    if (type === 'none') return { type: 'none' };
    return this.#group('attack', keys, () => {
      const { parameters } = this.#catalog.triggers.get(type);
      const given = parametersIn(levels, 'attack');
      return { type, ...completed(parameters, given, type, block.at, `triggers show ${type}`) };
    });
  }

  #defense({ block, levels }: Cell, keys: GroupKeys): DefenseSpec | undefined {
    const { defenseType: type } = block;
    if (type === 'none') return undefined;
    return this.#group('defense', keys, () => {
      const { parameters } = this.#catalog.defenses.get(type);
      const given = parametersIn(levels, 'defense');
      return { type, ...completed(parameters, given, type, levels['defense.type'].at, `defenses show ${type}`) };
    });
  }

  /** What is made of the levels below a group: runs that have the same ones share it. */
  #group<T>(name: string, keys: GroupKeys, make: () => T): T {
    const key = `${name} ${keys.get(name)}`;
    if (!this.#groups.has(key)) this.#groups.set(key, make());
    return this.#groups.get(key) as T;
  }

  #checkTarget({ targetClass, dataset }: RunSpec, { levels }: Cell): void {
    const last = this.#catalog.datasets.get(dataset).classes.length - 1;
    if (targetClass <= last) return;
    throw inputError(
      `${levels.target.at}: target: class ${targetClass} does not exist: ${dataset} has the classes 0 to ${last}`,
      { hint: 'Classes are counted from 0.' },
    );
  }

  #checkLabels({ labels, sources, targetClass, dataset, poisonRate, poisonSet, training }: RunSpec, cell: Cell): void {
    const { block, levels } = cell;
    const classes = this.#catalog.datasets.get(dataset).classes.length;
    this.#once(
      `labels ${labels} ${sources} ${targetClass} ${classes}`,
      `${levels.sources?.at ?? levels.labels.at}: `,
      () => labelRule({ labels, target: targetClass, sources, classes }),
    );
    const { batchSize } = training;
    if (poisonSet === 'per-batch' && Math.floor(poisonRate * batchSize) === 0) {
      throw inputError(
        `${block.at}: poisonSet: per-batch poisons no image: ${poisonRate} of ${batchSize} images a batch is less than one`,
        {
          hint: `Take a poisonRate of at least ${Math.ceil(1e4 / batchSize) / 1e4}, larger batches, or poisonSet: fixed.`,
        },
      );
    }
  }

  #checkModel({ dataset, model, init, freeze, inputSize }: RunSpec, { levels }: Cell): void {
    if (init === 'pretrained') this.#once(`weights ${model}`, '', () => this.#checkWeights(model, levels.model.at));
    const classes = this.#catalog.datasets.get(dataset).classes.length;
    this.#once(`model ${model} ${init} ${freeze} ${inputSize} ${classes}`, `${levels.freeze.at}: ${model}: `, () =>
      this.#catalog.checkModel(model, init, freeze, inputSize, classes),
    );
  }

  /** Weights that can be pulled are enough to plan with; whoever runs the plan needs them here. */
  #checkWeights(model: string, at: string): void {
    const { weightsHash, publishedHash } = this.#catalog.models.get(model);
    if (weightsHash !== undefined) return;
    if (publishedHash === undefined) throw noPretrainedWeights(`${at}: model: ${model}`, model);
    this.#missing.set(model, { model, at });
  }

  /** Binds the trigger to the images that it will meet. */
  #checkTrigger({ attack, dataset, inputSize, preprocessing }: RunSpec, { block }: Cell): void {
    const { type, ...parameters } = attack;
    const stored = storedShape(this.#catalog.datasets.get(dataset), preprocessing?.rewrite);
    const shape = stampShape(parameters, stored, inputSize);
    const images = `${shape.height} ${shape.width} ${shape.channels}`;
    this.#once(`trigger ${this.#numberOf(attack)} ${images}`, `${block.at}: `, () =>
      this.#catalog.triggers.get(type).check(parameters, shape),
    );
  }

  /** Findings in data are scored by which rows are poisoned: there have to be such rows. */
  #checkDefense({ defense, poisonSet }: RunSpec, { levels }: Cell): void {
    if (defense === undefined || poisonSet !== 'per-batch') return;
    if (this.#catalog.defenses.get(defense.type).kind !== 'detect-data') return;
    throw inputError(
      `${levels['defense.type'].at}: ${defense.type} looks for poisoned rows, and poisonSet: per-batch has none that stay`,
      { hint: 'Use poisonSet: fixed, or leave these runs out with exclude.' },
    );
  }

  /** Verifies once what `key` names in full. */
  #once(key: string, place: string, verify: () => unknown): void {
    if (this.#fitting.has(key)) return;
    try {
      verify();
    } catch (error) {
      if (!(error instanceof TriggerlabError)) throw error;
      throw inputError(place + error.message, { hint: error.hint, cause: error });
    }
    this.#fitting.add(key);
  }
}
