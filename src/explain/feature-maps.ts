// Activations of one layer for the same images under several triggers, and how far each trigger moves them.
import type { ImageSource } from '../data/dataset.ts';
import { layerIn, layerMaps, type Trained } from './layer-graphs.ts';
import { relativeDistance } from './map-measures.ts';

export interface FeatureMapStudy {
  readonly layer: { readonly name: string; readonly op: string; readonly height: number; readonly width: number };
  /** Channels that the triggers change most in the first image, most first. */
  readonly channels: readonly number[];
  /** Maps of those channels for the first image without a trigger, height · width values each. */
  readonly clean: readonly Float32Array[];
  readonly variants: readonly FeatureMapVariant[];
}

export interface FeatureMapVariant {
  readonly maps: readonly Float32Array[];
  /** ‖with − without‖₂ / ‖without‖₂ over all channels, for each image. */
  readonly distances: readonly number[];
}

/** @param layer as `chooseLayer` takes it @param kept channels whose maps are kept */
export async function featureMapStudy(
  trained: Trained,
  layer: string | undefined,
  clean: ImageSource,
  triggered: readonly ImageSource[],
  rows: readonly number[],
  kept: number,
): Promise<FeatureMapStudy> {
  const { name, op, channels, height, width } = layerIn(trained.network, layer);
  const before = await layerMaps(trained, layer, clean, rows);
  const variants: { all: Float32Array; distances: number[] }[] = [];
  for (const source of triggered) {
    const after = await layerMaps(trained, layer, source, rows);
    const distances = after.map((maps, i) => relativeDistance(maps, before[i])).filter((one) => one !== undefined);
    variants.push({ all: after[0], distances });
  }
  const area = height * width;
  const chosen = mostChanged(
    before[0],
    variants.map(({ all }) => all),
    channels,
  ).slice(0, kept);
  const cut = (maps: Float32Array) => chosen.map((channel) => maps.slice(channel * area, (channel + 1) * area));
  return {
    layer: { name, op, height, width },
    channels: chosen,
    clean: cut(before[0]),
    variants: variants.map(({ all, distances }) => ({ maps: cut(all), distances })),
  };
}

/** Channels by the sum of absolute changes over all variants, the first of equals first. */
export function mostChanged(before: Float32Array, after: readonly Float32Array[], channels: number): number[] {
  const area = before.length / channels;
  const change = new Float64Array(channels);
  for (const maps of after)
    for (let i = 0; i < maps.length; i++) change[Math.floor(i / area)] += Math.abs(maps[i] - before[i]);
  return Array.from({ length: channels }, (_, channel) => channel).sort((a, b) => change[b] - change[a] || a - b);
}
