// The trigger that was found for a class on sample images, with the network's answers and heat maps.
import { TriggerlabError } from '../core/errors.ts';
import { tensor } from '../core/tensor.ts';
import { type ImageSource, memorySource } from '../data/dataset.ts';
import { UNLABELLED } from '../data/examined-images.ts';
import type { ClassFinding, CleanseResult } from '../defenses/neural-cleanse/neural-cleanse.ts';
import type { FoundTrigger } from '../defenses/neural-cleanse/reverse-triggers.ts';
import { camGraph } from '../explain/grad-cam.ts';
import type { ImportedModel } from '../models/imported.ts';
import type { Runtime } from '../runtime/node.ts';
import { imageFeeds } from '../train/feeds.ts';
import type { Network } from '../train/network.ts';
import { seenPixels, stateFeeds } from '../train/predict.ts';
import { answersOf, networkOf } from './audit-subject.ts';
import type { Verdict } from './audit-verdict.ts';

/** The trigger of a class, on samples of other classes. */
export interface Evidence {
  readonly class: number;
  readonly trigger: FoundTrigger;
  readonly samples: readonly EvidenceSample[];
  /** Layer of the heat maps; undefined where the network has none to look at. */
  readonly layer: string | undefined;
}

/** Pixels float32 [3, S, S] in [0, 1], maps [S, S] in [0, 1] for the class. */
export interface EvidenceSample {
  readonly clean: Float32Array;
  readonly triggered: Float32Array;
  readonly cleanMap: Float32Array | undefined;
  readonly triggeredMap: Float32Array | undefined;
  /** Answers before and with the trigger. */
  readonly before: number;
  readonly after: number;
}

const MOST_EVIDENCE = 3;

/** The suspicious classes; where there are none, the one with the smallest mask, so that people see what was weighed. */
export function worthShowing({ classes }: CleanseResult, { suspicious }: Verdict): ClassFinding[] {
  if (suspicious.length > 0) return classes.filter((one) => suspicious.includes(one.class)).slice(0, MOST_EVIDENCE);
  const found = classes.filter(({ trigger }) => trigger !== undefined);
  return found.sort((a, b) => (a.trigger?.norm ?? 0) - (b.trigger?.norm ?? 0)).slice(0, 1);
}

/** The trigger on samples that are taken for other classes, stamped on whole levels as a real one would be. */
export async function evidenceOf(
  { runtime, model, shown }: { readonly runtime: Runtime; readonly model: ImportedModel; readonly shown: number },
  network: Network,
  images: ImageSource,
  finding: ClassFinding,
): Promise<Evidence | undefined> {
  const { trigger } = finding;
  if (!trigger) return undefined;
  const side = model.inputSize;
  const rows = Array.from({ length: Math.min(images.count, 4 * shown) }, (_, row) => row);
  const answers = await answersOf(runtime, network, images, rows);
  const others = rows.filter((_, i) => answers[i] !== finding.class).slice(0, shown);
  if (others.length === 0) return undefined;
  const { data } = await seenPixels(runtime, network, images, others);
  const size = 3 * side * side;
  const clean = others.map((_, i) => (data as Float32Array).slice(i * size, (i + 1) * size));
  const triggered = clean.map((pixels) => stamped(pixels, trigger.planes));
  const source = bytesOf([...clean, ...triggered], side);
  const whole = await networkOf(model, source, network.preprocessing);
  const all = Array.from({ length: source.count }, (_, row) => row);
  const after = await answersOf(runtime, whole, source, all);
  const maps = await heatMaps(runtime, whole, source, finding.class);
  const n = others.length;
  return {
    ...{ class: finding.class, trigger, layer: maps?.layer },
    samples: clean.map((pixels, i) => ({
      ...{ clean: pixels, triggered: triggered[i], before: after[i], after: after[n + i] },
      ...{ cleanMap: maps?.maps[i], triggeredMap: maps?.maps[n + i] },
    })),
  };
}

/** (1 − m) · x + m · pattern on [3, S, S]. */
function stamped(pixels: Float32Array, planes: Float32Array): Float32Array {
  const area = pixels.length / 3;
  return pixels.map((value, i) => value + planes[i % area] * (planes[area + i] - value));
}

/** Planes [3, S, S] in [0, 1] as 8-bit images. */
function bytesOf(images: readonly Float32Array[], side: number): ImageSource {
  const area = side * side;
  const pixels = new Uint8Array(images.length * 3 * area);
  images.forEach((planes, n) => {
    for (let i = 0; i < area; i++)
      for (let c = 0; c < 3; c++) pixels[(n * area + i) * 3 + c] = Math.round(255 * planes[c * area + i]);
  });
  const labels = new Uint16Array(images.length).fill(UNLABELLED);
  return memorySource({ height: side, width: side, channels: 3 }, pixels, labels);
}

/** Grad-CAM for one class; undefined for networks without maps to look at. */
async function heatMaps(
  runtime: Runtime,
  network: Network,
  source: ImageSource,
  of: number,
): Promise<{ layer: string; maps: Float32Array[] } | undefined> {
  let cam: ReturnType<typeof camGraph>;
  try {
    cam = camGraph(network);
  } catch (error) {
    if (error instanceof TriggerlabError && error.kind === 'input') return undefined;
    throw error;
  }
  const session = await runtime.open(cam.graph);
  const maps: Float32Array[] = [];
  for (let row = 0; row < source.count; row++) {
    const labels = tensor('int64', [1], BigInt64Array.of(BigInt(of)));
    const feeds = imageFeeds(source, [row], network.preprocessing);
    const { map } = await session.run({ ...stateFeeds(network, network.start), ...feeds, labels });
    maps.push(map.data as Float32Array);
  }
  return { layer: cam.layer.name, maps };
}
