// Pictures of an audit: the trigger that was found with what it does to samples, and suspect images.
import sharp from 'sharp';
import type { Evidence } from '../runner/audit-evidence.ts';
import type { Suspect } from '../runner/audit-others.ts';
import { type HeatColumn, heatPanel } from './heat-panel.ts';

/** A picture as the page has it. */
interface Figure {
  readonly png: Buffer;
  readonly alt: string;
}

/** The reversed trigger by itself, and on samples with heat maps. */
export async function evidenceFigure(
  evidence: Evidence,
  side: number,
  nameOf: (of: number) => string,
): Promise<Figure> {
  const { trigger, samples, layer } = evidence;
  const area = side * side;
  const own = trigger.planes.subarray(0, area);
  // A mask of few faint pixels would hardly be seen.
  const peak = Math.max(1e-6, ...own);
  const mask = own.map((value) => value / peak);
  const pattern = trigger.planes.subarray(area);
  const shown = Float32Array.from(pattern, (value, i) => 0.5 + mask[i % area] * (value - 0.5));
  const grey = Float32Array.from({ length: 3 * area }, (_, i) => mask[i % area]);
  const target = nameOf(evidence.class);
  const group = `trigger for ${target}`;
  const columns: HeatColumn[] = [
    { group, lines: ['mask, by its', 'own peak'] },
    { group, lines: ['its pattern', 'on grey'] },
    { group: 'samples', lines: ['clean'] },
    { group: 'samples', lines: ['with the', 'trigger'] },
    ...(layer === undefined
      ? []
      : [
          { group: `Grad-CAM for ${target}`, lines: ['clean'] },
          { group: `Grad-CAM for ${target}`, lines: ['with the', 'trigger'] },
        ]),
  ];
  const rows = samples.map((sample) => ({
    label: `${shortName(nameOf(sample.before))}\n→ ${shortName(nameOf(sample.after))}`,
    cells: [
      { pixels: grey },
      { pixels: shown },
      { pixels: sample.clean },
      { pixels: sample.triggered },
      ...(layer === undefined
        ? []
        : [
            { pixels: sample.clean, map: sample.cleanMap },
            { pixels: sample.triggered, map: sample.triggeredMap },
          ]),
    ],
  }));
  const legend = layer === undefined ? 'no heat maps' : `heat maps at ${layer}, each by its own peak`;
  const png = await heatPanel({ side, columns, rows, legend });
  const answers = samples.map(({ before, after }) => `${nameOf(before)}, then ${nameOf(after)}`).join('; ');
  return {
    png,
    alt: `The mask and pattern found for class ${target}, and ${samples.length} sample images without and with it. The answers to them: ${answers}.`,
  };
}

/** As long as there is room for. */
const shortName = (name: string) => (name.length > 16 ? `${name.slice(0, 15)}…` : name);

const THUMB = 72;

/** A suspect image, small. */
export async function suspectFigure({ pixels }: Suspect, side: number): Promise<Buffer> {
  return sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
    .resize(THUMB, THUMB, { kernel: side < THUMB ? 'nearest' : 'lanczos3' })
    .png()
    .toBuffer();
}
