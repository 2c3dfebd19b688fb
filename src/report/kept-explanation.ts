// What `explain` leaves with its run in the store, and what a report makes of it: a table over all explained runs and their heat maps.
import { z } from 'zod';
import type { ExplanationFigures, Figure } from '../analysis/explanation.ts';
import { formatPercent } from '../core/format.ts';
import { datasetLabel } from '../core/references.ts';
import type { RunExplanation } from '../runner/explain-run.ts';
import type { RunRecord } from '../store/records.ts';
import type { Store } from '../store/store.ts';
import type { DataCell, DataTable } from './data-table.ts';
import { attackTitle } from './pictures.ts';

/** Kind of artifact under which an explanation is kept. */
export const EXPLANATION_ARTIFACT = 'explanation';

const share = z.number().min(0).max(1);
const figure = z.object({ mean: z.number(), low: z.number(), high: z.number(), n: z.int().min(1) });
const region = z.object({ massShare: figure.optional(), area: share, pointedAt: figure.optional() });
const word = z.string().max(200);

/** Stores come from other machines too: what does not look like this is left out of reports. */
const keptExplanation = z.object({
  schemaVersion: z.literal(1),
  method: word,
  layer: z.object({ name: word, height: z.int().min(1), width: z.int().min(1) }),
  images: z.int().min(1),
  questions: z
    .array(
      z.object({
        ...{ network: word, image: word, class: word, predicted: share },
        ...{ trigger: region, blind: region },
      }),
    )
    .max(100),
  /** A PNG in base64. */
  panel: z
    .string()
    .max(20e6)
    .regex(/^iVBORw0KGgo[A-Za-z0-9+/]*={0,2}$/),
  alt: z.string().max(2000),
});

export type KeptExplanation = z.infer<typeof keptExplanation>;

export interface ExplainedRun {
  readonly run: RunRecord;
  readonly explanation: KeptExplanation;
}

/** The bytes to keep with the run. `panel` is the PNG of the heat maps. */
export function encodeExplanation(
  { study, rows }: RunExplanation,
  { questions }: ExplanationFigures,
  panel: Uint8Array,
  alt: string,
): Uint8Array {
  const { method, layer } = study;
  const kept: KeptExplanation = {
    ...{ schemaVersion: 1, method, images: rows.length, alt },
    layer: { name: layer.name, height: layer.height, width: layer.width },
    questions: questions.map(({ network, image, class: asked, predicted, trigger, blind }) => ({
      ...{ network, image, class: asked, predicted, trigger, blind },
    })),
    panel: Buffer.from(panel).toString('base64'),
  };
  return Buffer.from(JSON.stringify(kept));
}

/** Undefined for bytes that are no explanation of this form. */
export function decodeExplanation(bytes: Uint8Array): KeptExplanation | undefined {
  try {
    return keptExplanation.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8'))).data;
  } catch {
    return undefined;
  }
}

/** What the store has of an experiment's runs; what is no explanation, or not of this form, is passed over. */
export async function keptExplanations(
  store: Store,
  experiment: string,
  runs: readonly RunRecord[],
): Promise<ExplainedRun[]> {
  const found: ExplainedRun[] = [];
  for (const id of await store.runsWithArtifact(experiment, EXPLANATION_ARTIFACT)) {
    const run = runs.find(({ runId }) => runId === id);
    const bytes = run && (await store.getArtifact(id, EXPLANATION_ARTIFACT));
    const explanation = bytes && decodeExplanation(bytes);
    if (run && explanation) found.push({ run, explanation });
  }
  return found;
}

const NONE: DataCell = { text: '–', value: null };

/** Where each network looks on triggered images when it is asked about the target: undefined when no run was explained. */
export function explanationsTable(explained: readonly ExplainedRun[]): DataTable | undefined {
  const rows = explained.flatMap(({ run, explanation }) =>
    explanation.questions
      .filter((one) => one.image === 'triggered' && one.class === 'target')
      .map((one): DataCell[] => [
        { text: run.runId.slice(0, 8), value: run.runId },
        { text: explainedTitle(run) },
        { text: one.network },
        { text: formatPercent(one.predicted), value: one.predicted },
        figureCell(one.trigger.massShare),
        figureCell(one.blind.massShare),
        { text: formatPercent(one.trigger.area), value: one.trigger.area },
        figureCell(one.trigger.pointedAt),
        { text: String(explanation.images), value: explanation.images },
        { text: `${explanation.method} at ${explanation.layer.name}` },
      ]),
  );
  if (rows.length === 0) return undefined;
  const right = { align: 'right' } as const;
  return {
    name: 'explanations',
    caption: 'Where the networks look on triggered images when they are asked about the target class',
    columns: [
      { name: 'runId', title: 'run' },
      { name: 'setting', title: 'setting' },
      { name: 'network', title: 'network' },
      { name: 'predicted', title: 'taken for the target', ...right },
      { name: 'massInTrigger', title: 'mass in trigger', ...right },
      { name: 'massInBlindPlace', title: 'mass in blind place', ...right },
      { name: 'area', title: 'area', ...right },
      { name: 'peakInTrigger', title: 'peak in trigger', ...right },
      { name: 'images', title: 'images', ...right },
      { name: 'method', title: 'maps' },
    ],
    rows,
    notes: [
      'Mass: share of the map inside the trigger, to be compared with its share of the image (area) and with a place of the same size chosen blindly. In brackets 95 % intervals over images.',
    ],
  };
}

export function explainedTitle({ spec }: RunRecord): string {
  return `${spec.model}, ${datasetLabel(spec.dataset)}, ${attackTitle(spec.attack)}, ε ${formatPercent(spec.poisonRate)}, seed ${spec.seed}`;
}

function figureCell(figure: Figure | undefined): DataCell {
  return figure ? { text: figureText(figure), value: figure.mean } : NONE;
}

/** `12.3 % [10.1, 14.5]` */
export function figureText(figure: Figure | undefined): string {
  if (!figure) return '–';
  const percent = (value: number) => (100 * value).toFixed(1);
  return `${percent(figure.mean)} % [${percent(figure.low)}, ${percent(figure.high)}]`;
}
