// A table of pictures of triggers: one parameter across, the others down; on native pixels, as the model sees them, and the difference.
import { attackParameters, factorTitle, formatFactor } from '../analysis/factors.ts';
import { canonicalJson } from '../core/hash.ts';
import { datasetLabel } from '../core/references.ts';
import { type ExampleImage, type TriggerExample, triggerExamples } from '../lint/examples.ts';
import type { Setting, Stage } from '../lint/settings.ts';
import type { Runtime } from '../runtime/node.ts';
import type { AttackSpec } from '../spec/run-spec.ts';

export interface GridRow {
  /** The parameters of this row: `4 %, black`. */
  readonly label: string;
  /** One per column; undefined where the experiment has no such trigger. */
  readonly cells: readonly (TriggerExample | undefined)[];
}

export interface TriggerGrid {
  /** `badnets on mnist`. */
  readonly title: string;
  /** How images come to the model's input. */
  readonly chain: string;
  /** Of which image. */
  readonly image: string;
  readonly native: string;
  readonly inputSize: number;
  /** Name of the parameter that goes across; empty where there is one column. */
  readonly across: string;
  /** Names of the parameters that go down. */
  readonly down: string;
  readonly columns: readonly string[];
  readonly rows: readonly GridRow[];
  /** Differences are shown that many times as large. */
  readonly factor: number;
  /** How many triggers were left out. */
  readonly left: number;
}

/** More rows than these are left out: a picture has to be looked at. */
const MAX_ROWS = 18;
const MAX_COLUMNS = 8;

export interface GridOptions {
  readonly runtime: Runtime;
  readonly image: ExampleImage;
  /** Called before each row. */
  readonly onRow?: () => void;
}

/** One table for each attack type among `settings`, of one stage. */
export async function triggerGrids(
  stage: Stage,
  settings: readonly Setting[],
  options: GridOptions,
): Promise<TriggerGrid[]> {
  const types = [...new Set(settings.map(({ attack }) => attack.type))];
  const grids: TriggerGrid[] = [];
  for (const type of types) {
    grids.push(
      await gridOf(
        stage,
        settings.filter(({ attack }) => attack.type === type),
        options,
      ),
    );
  }
  return grids;
}

async function gridOf(stage: Stage, settings: readonly Setting[], options: GridOptions): Promise<TriggerGrid> {
  const { across, down } = layout(settings.map(({ attack }) => attack));
  const columnKeys = [...new Set(settings.map(({ attack }) => keyOf(attack, across)))];
  const rowKeys = [...new Set(sortedBy(settings, down).map(({ attack }) => keyOf(attack, down)))];
  const shownColumns = columnKeys.slice(0, MAX_COLUMNS);
  const shownRows = rowKeys.slice(0, MAX_ROWS);
  const rows: GridRow[] = [];
  for (const rowKey of shownRows) {
    options.onRow?.();
    const own = settings.filter(({ attack }) => keyOf(attack, down) === rowKey);
    const wanted = own.filter(({ attack }) => shownColumns.includes(keyOf(attack, across)));
    const examples = await triggerExamples(stage, wanted, options.image, options.runtime);
    rows.push({
      label: words(own[0].attack, down),
      cells: shownColumns.map((key) => examples.find(({ setting }) => keyOf(setting.attack, across) === key)),
    });
  }
  const shown = rows.flatMap(({ cells }) => cells.filter((cell) => cell !== undefined));
  const largest = shown.reduce((most, { difference }) => difference.reduce((a, b) => Math.max(a, b), most), 0);
  const { source } = options.image;
  return {
    title: `${settings[0].attack.type} on ${datasetLabel(stage.dataset)}`,
    chain: chainWords(stage),
    image: options.image.words,
    native: `${source.width} × ${source.height}`,
    inputSize: stage.inputSize,
    across: across.map(factorTitle).join(', '),
    down: down.map(factorTitle).join(', '),
    columns: shownColumns.map((key) => words(firstWith(settings, key, across), across)),
    rows,
    factor: largest >= 0.5 ? Math.max(1, Math.floor(255 / largest)) : 1,
    left: settings.length - shown.length,
  };
}

/** Across goes the position where it varies, else what has the most levels; down all other parameters that vary. */
function layout(attacks: readonly AttackSpec[]): { across: string[]; down: string[] } {
  const levels = new Map<string, Set<string>>();
  for (const attack of attacks) {
    for (const [name, value] of attackParameters(attack)) {
      levels.set(name, (levels.get(name) ?? new Set()).add(canonicalJson(value)));
    }
  }
  const varying = [...levels].filter(([, found]) => found.size > 1).map(([name]) => name);
  const most = [...varying].sort((a, b) => (levels.get(b)?.size ?? 0) - (levels.get(a)?.size ?? 0))[0];
  const across = varying.includes('position') ? 'position' : most;
  // Sizes of one colour belong together.
  const order = ['color'];
  const rest = varying.filter((name) => name !== across);
  const down = [...rest.filter((name) => order.includes(name)), ...rest.filter((name) => !order.includes(name))];
  return {
    across: across === undefined ? [] : [across],
    down: down.length > 0 ? down : ['size', 'color'].filter((name) => levels.has(name)),
  };
}

function keyOf(attack: AttackSpec, names: readonly string[]): string {
  const own = attack as Readonly<Record<string, unknown>>;
  return canonicalJson(names.map((name) => own[name] ?? null));
}

/** In the order in which the levels of the first of these parameters occur, then of the second, and so on. */
function sortedBy(settings: readonly Setting[], names: readonly string[]): Setting[] {
  const ranks = names.map((name) => {
    const keys = [...new Set(settings.map(({ attack }) => keyOf(attack, [name])))];
    return ({ attack }: Setting) => keys.indexOf(keyOf(attack, [name]));
  });
  return [...settings].sort((a, b) => ranks.reduce((sign, rank) => sign || rank(a) - rank(b), 0));
}

function firstWith(settings: readonly Setting[], key: string, names: readonly string[]): AttackSpec {
  return (settings.find(({ attack }) => keyOf(attack, names) === key) ?? settings[0]).attack;
}

function words(attack: AttackSpec, names: readonly string[]): string {
  const own = attack as Readonly<Record<string, unknown>>;
  return names.map((name) => formatFactor(name, own[name])).join(', ');
}

/** `resized to 256, cut to 224 × 224`. */
export function chainWords({ inputSize, preprocessing = {} }: Stage): string {
  const { rewrite, resize = 'input', filter, antialias, quantize } = preprocessing;
  const side = `${inputSize} × ${inputSize}`;
  const placed = typeof resize === 'number' && resize < inputSize ? 'with a border to' : 'cut to';
  const size =
    resize === 'input'
      ? `resized to ${side}`
      : `${resize === 'none' ? 'not resized' : `resized to ${resize}`}, ${placed} ${side}`;
  return [
    ...(rewrite === undefined || rewrite === 'none' ? [] : [`rewritten at ${rewrite} × ${rewrite}`]),
    size,
    ...(filter === undefined ? [] : [filter]),
    ...(antialias ? ['with antialiasing'] : []),
    ...(quantize === undefined || quantize === 'never' ? [] : ['rounded to whole levels']),
  ].join(', ');
}
