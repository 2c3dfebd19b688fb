// The feature maps of one layer under several triggers as a picture, and the distances as CSV.
import { join } from 'node:path';
import { type Figure, meanFigure } from '../analysis/explanation.ts';
import { makeDirectory, writeFileAtomic } from '../core/files.ts';
import type { RunFeatureMaps } from '../runner/feature-maps-of-run.ts';
import { csvText } from '../store/csv.ts';
import { type HeatCell, heatPanel } from './heat-panel.ts';

/** How far each variant moves the layer, as a share of what it holds for the clean image. */
export function featureMapDistances({ study, labels }: RunFeatureMaps): (Figure & { readonly label: string })[] {
  return study.variants.map(({ distances }, i) => ({ label: labels[i], ...meanFigure(distances) }));
}

/** Writes `feature-maps.png` and `feature-maps.csv`. */
export async function writeFeatureMaps(maps: RunFeatureMaps, folder: string): Promise<string[]> {
  makeDirectory(folder);
  const rows = featureMapDistances(maps).map(({ label, mean, low, high, n }) => [label, mean, low, high, n]);
  const files: [string, Uint8Array][] = [
    ['feature-maps.png', await figureOf(maps)],
    ['feature-maps.csv', Buffer.from(csvText(['trigger', 'relativeDistance', 'low', 'high', 'images'], rows))],
  ];
  for (const [name, content] of files) await writeFileAtomic(join(folder, name), content);
  return files.map(([name]) => join(folder, name));
}

function figureOf({ study, labels, side, clean, triggered }: RunFeatureMaps): Promise<Buffer> {
  const { layer, channels } = study;
  const scales = channels.map((_, c) =>
    [study.clean[c], ...study.variants.map(({ maps }) => maps[c])].reduce(
      (most, map) => map.reduce((max, value) => Math.max(max, Math.abs(value)), most),
      1e-20,
    ),
  );
  const grey = (map: Float32Array, c: number): HeatCell => {
    const levels = map.map((value) => Math.abs(value) / scales[c]);
    return { pixels: Float32Array.of(...levels, ...levels, ...levels), side: layer.height };
  };
  const difference = (map: Float32Array, c: number): HeatCell => ({
    pixels: new Float32Array(3 * map.length),
    map: map.map((value, i) => Math.abs(value - study.clean[c][i]) / scales[c]),
    side: layer.height,
  });
  const columnsOf = (group: string) => channels.map((channel) => ({ group, lines: [`channel ${channel}`] }));
  return heatPanel({
    side,
    columns: [
      { group: 'input', lines: ['as seen'] },
      ...columnsOf('activations'),
      ...columnsOf('change by the trigger'),
    ],
    rows: [
      {
        label: 'clean',
        cells: [{ pixels: clean }, ...study.clean.map(grey), ...study.clean.map(difference)],
      },
      ...study.variants.map(({ maps }, v) => ({
        label: labels[v],
        cells: [{ pixels: triggered[v] }, ...maps.map(grey), ...maps.map(difference)],
      })),
    ],
    legend: `absolute change at ${layer.name} (${layer.height} × ${layer.width}), each channel by its own largest activation`,
  });
}
