// Heat maps of a backdoored network and its clean twin, on clean and triggered images, and what they say of the trigger's place.
import { type Tensor, tensor } from '../core/tensor.ts';
import type { ImageSource } from '../data/dataset.ts';
import type { Runtime } from '../runtime/node.ts';
import { evaluationBatch, imageFeeds } from '../train/feeds.ts';
import type { Network } from '../train/network.ts';
import type { TriggeredSource } from '../train/poisoned-set.ts';
import { stateFeeds, type TrainedState } from '../train/predict.ts';
import { type CamMethod, camGraph } from './grad-cam.ts';
import type { MapLayer } from './map-layers.ts';
import { boxRank, isPointedAt, mapDistance, massShare, type Region } from './map-measures.ts';

export const NETWORKS = ['backdoored', 'twin'] as const;
export const IMAGES = ['clean', 'triggered'] as const;
export const CLASSES = ['true', 'target'] as const;

/** One way of asking: which network looks at which image, and is asked about which class. */
export interface Question {
  readonly network: (typeof NETWORKS)[number];
  readonly image: (typeof IMAGES)[number];
  readonly class: (typeof CLASSES)[number];
}

/** What the map of one image says of one region; undefined values where the map is zero everywhere. */
export interface RegionMeasures {
  readonly massShare: number | undefined;
  readonly boxRank: number | undefined;
  readonly pointedAt: boolean | undefined;
  /** Share of the image that the region covers. */
  readonly area: number;
}

export interface Answer {
  readonly question: Question;
  /** Of each image: what its map says of the trigger's place, and of a place chosen blindly. */
  readonly trigger: readonly RegionMeasures[];
  readonly control: readonly RegionMeasures[];
  /** Share of the images that the network takes for the class asked about. */
  readonly predicted: number;
  /** Maps of the first images, S · S values in [0, 1] each. */
  readonly maps: readonly Float32Array[];
}

export interface CamStudy {
  readonly layer: MapLayer;
  readonly method: CamMethod;
  readonly answers: readonly Answer[];
  /** Mean absolute difference between the twins' maps of each image. */
  readonly distances: readonly { readonly image: string; readonly class: string; readonly values: readonly number[] }[];
}

export interface CamStudyInput {
  readonly runtime: Runtime;
  readonly network: Network;
  readonly backdoored: TrainedState;
  readonly twin: TrainedState | undefined;
  readonly clean: ImageSource;
  readonly triggered: ImageSource | TriggeredSource;
  readonly rows: readonly number[];
  /** Class that triggered images of each row are to be taken for. */
  readonly targets: readonly number[];
  /** Where the trigger lies on each of the rows, and as large a place chosen blindly. */
  readonly regions: readonly Region[];
  readonly controls: readonly Region[];
  /** As `chooseLayer` takes it. */
  readonly layer?: string | undefined;
  readonly method?: CamMethod | undefined;
  /** Images whose maps are kept. */
  readonly keep: number;
  /** Told the share done. */
  readonly onProgress?: (share: number) => void;
}

/** Asks every question of every image. @throws TriggerlabError as `camGraph` does. */
export async function camStudy(input: CamStudyInput): Promise<CamStudy> {
  const { runtime, network, rows, regions, controls, keep, method = 'grad-cam', onProgress } = input;
  const { graph, layer } = camGraph(network, input.layer, method);
  const session = await runtime.open(graph);
  const states = { backdoored: input.backdoored, twin: input.twin };
  const questions = allQuestions().filter((question) => states[question.network] !== undefined);
  const batch = Math.max(1, Math.floor(evaluationBatch(network.preprocessing.inputSize) / 4));
  const answers: Answer[] = [];
  const all: Float32Array[][] = [];
  for (const question of questions) {
    const state = stateFeeds(network, states[question.network] as TrainedState);
    const source = question.image === 'clean' ? input.clean : input.triggered;
    const classes = question.class === 'true' ? rows.map((row) => input.clean.labels[row]) : input.targets;
    const maps: Float32Array[] = [];
    let agreed = 0;
    for (let at = 0; at < rows.length; at += batch) {
      const some = rows.slice(at, at + batch);
      const asked = classes.slice(at, at + batch);
      const feeds = imageFeeds(source, some, network.preprocessing);
      const { map, logits } = await session.run({ ...state, ...feeds, labels: classFeed(asked) });
      maps.push(...rowsOf(map));
      rowsOf(logits).forEach((row, i) => {
        if (row.indexOf(Math.max(...row)) === asked[i]) agreed++;
      });
      onProgress?.((answers.length + (at + some.length) / rows.length) / questions.length);
    }
    answers.push({
      question,
      trigger: maps.map((map, i) => measured(map, regions[i])),
      control: maps.map((map, i) => measured(map, controls[i])),
      predicted: agreed / rows.length,
      maps: maps.slice(0, keep),
    });
    all.push(maps);
  }
  return { layer, method, answers, distances: distancesOf(questions, all) };
}

function allQuestions(): Question[] {
  return NETWORKS.flatMap((network) =>
    IMAGES.flatMap((image) => CLASSES.map((asked) => ({ network, image, class: asked }))),
  );
}

function measured(map: Float32Array, region: Region): RegionMeasures {
  return {
    massShare: massShare(map, region),
    boxRank: boxRank(map, region),
    pointedAt: isPointedAt(map, region),
    area: region.pixels / map.length,
  };
}

function distancesOf(questions: readonly Question[], maps: readonly Float32Array[][]): CamStudy['distances'] {
  return IMAGES.flatMap((image) =>
    CLASSES.flatMap((asked) => {
      const [own, twin] = NETWORKS.map((network) =>
        questions.findIndex((one) => one.network === network && one.image === image && one.class === asked),
      );
      if (own < 0 || twin < 0) return [];
      return [{ image, class: asked, values: maps[own].map((map, i) => mapDistance(map, maps[twin][i])) }];
    }),
  );
}

function classFeed(classes: readonly number[]): Tensor {
  return tensor('int64', [classes.length], BigInt64Array.from(classes, BigInt));
}

function rowsOf({ shape, data }: Tensor): Float32Array[] {
  const width = data.length / shape[0];
  return Array.from({ length: shape[0] }, (_, i) => (data as Float32Array).slice(i * width, (i + 1) * width));
}
