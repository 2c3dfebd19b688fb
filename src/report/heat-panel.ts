// A panel of images under heat maps, as one PNG with its labels drawn in: same scale everywhere, a legend at the foot.
import sharp from 'sharp';

/** One picture: pixels [3, S, S] in [0, 1], perhaps under a map [S, S] in [0, 1], perhaps with a box drawn around a place. */
export interface HeatCell {
  readonly pixels: Float32Array;
  readonly map?: Float32Array | undefined;
  /** Where it is not that of the panel. */
  readonly side?: number;
  readonly box?: { readonly top: number; readonly left: number; readonly bottom: number; readonly right: number };
}

export interface HeatColumn {
  /** Columns of one group stand under a common heading. */
  readonly group: string;
  /** At most two short lines. */
  readonly lines: readonly string[];
}

export interface HeatPanel {
  readonly side: number;
  readonly columns: readonly HeatColumn[];
  /** Lines of a label are parted by `\n`; there is room for about 18 characters. */
  readonly rows: readonly { readonly label: string; readonly cells: readonly HeatCell[] }[];
  /** What the colours stand for. */
  readonly legend: string;
}

const CELL = 104;
const GAP = 6;
const GROUP_GAP = 18;
const LABELS = 118;
const HEADINGS = 66;
const LEGEND = 54;
/** Share of the heat in the mix; the rest is the image in grey. */
const HEAT = 0.6;

/** Control points of matplotlib's inferno, which is even to the eye and prints in grey. */
const INFERNO = [
  [0, 0, 4],
  [40, 11, 84],
  [101, 21, 110],
  [159, 42, 99],
  [212, 72, 66],
  [245, 125, 21],
  [250, 193, 39],
  [252, 255, 164],
] as const;

/** The colour of a value in [0, 1]. */
export function heatColor(value: number): [number, number, number] {
  const at = Math.min(Math.max(value, 0), 1) * (INFERNO.length - 1);
  const low = Math.min(Math.floor(at), INFERNO.length - 2);
  const mix = (c: number) => Math.round(INFERNO[low][c] + (at - low) * (INFERNO[low + 1][c] - INFERNO[low][c]));
  return [mix(0), mix(1), mix(2)];
}

/** The panel as a PNG on white; labels need a font on the machine (the page beside it has them as text). */
export async function heatPanel(panel: HeatPanel): Promise<Buffer> {
  const lefts = columnLefts(panel.columns);
  const width = lefts[lefts.length - 1] + CELL + GAP;
  const height = HEADINGS + panel.rows.length * (CELL + GAP) + LEGEND;
  const layers = await Promise.all(
    panel.rows.flatMap(({ cells }, r) =>
      cells.map(async (cell, c) => ({
        input: await cellPng(cell, cell.side ?? panel.side),
        left: lefts[c],
        top: HEADINGS + r * (CELL + GAP),
      })),
    ),
  );
  const labels = { input: Buffer.from(labelSvg(panel, lefts, width, height)), left: 0, top: 0 };
  return sharp({ create: { width, height, channels: 3, background: '#ffffff' } })
    .composite([...layers, labels])
    .png({ compressionLevel: 9 })
    .toBuffer();
}

function columnLefts(columns: readonly HeatColumn[]): number[] {
  let left = LABELS;
  return columns.map(({ group }, i) => {
    if (i > 0) left += CELL + (columns[i - 1].group === group ? GAP : GROUP_GAP);
    return left;
  });
}

/** One picture enlarged: images by whole pixels where they fit, so that no viewer smooths them away. */
async function cellPng({ pixels, map, box }: HeatCell, side: number): Promise<Buffer> {
  const area = side * side;
  const colors = Buffer.alloc(3 * area);
  for (let i = 0; i < area; i++) {
    const rgb = [0, 1, 2].map((c) => 255 * pixels[c * area + i]);
    const grey = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
    const heat = map && heatColor(map[i]);
    for (let c = 0; c < 3; c++) {
      colors[3 * i + c] = Math.round(heat ? HEAT * heat[c] + (1 - HEAT) * grey : Math.min(255, Math.max(0, rgb[c])));
    }
  }
  const enlarged = sharp(colors, { raw: { width: side, height: side, channels: 3 } }).resize(CELL, CELL, {
    kernel: side <= CELL ? 'nearest' : 'lanczos3',
    fit: 'fill',
  });
  const frame = box && box.bottom > box.top ? [{ input: Buffer.from(boxSvg(box, CELL / side)) }] : [];
  // Composite comes before resize in one pipeline: the frame would shrink with it.
  return sharp(await enlarged.png().toBuffer())
    .composite(frame)
    .png()
    .toBuffer();
}

function boxSvg({ top, left, bottom, right }: NonNullable<HeatCell['box']>, scale: number): string {
  const at = `x="${left * scale + 0.75}" y="${top * scale + 0.75}" width="${(right - left) * scale - 1.5}" height="${(bottom - top) * scale - 1.5}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${CELL}" height="${CELL}"><rect ${at} fill="none" stroke="#000" stroke-width="2.5"/><rect ${at} fill="none" stroke="#4df" stroke-width="1.25"/></svg>`;
}

function labelSvg(
  { columns, rows, legend }: HeatPanel,
  lefts: readonly number[],
  width: number,
  height: number,
): string {
  const text = (x: number, y: number, content: string, more = '') =>
    `<text x="${x}" y="${y}" ${more}>${escaped(content)}</text>`;
  const middle = 'text-anchor="middle"';
  const groups = columns.flatMap(({ group }, i) => {
    if (i > 0 && columns[i - 1].group === group) return [];
    const last = columns.findLastIndex((other) => other.group === group);
    const right = lefts[last] + CELL;
    return [
      text((lefts[i] + right) / 2, 18, group, `${middle} font-weight="bold"`),
      `<path d="M${lefts[i]} 25H${right}" stroke="#888"/>`,
    ];
  });
  const heads = columns.flatMap(({ lines }, i) =>
    lines.map((line, l) => text(lefts[i] + CELL / 2, 41 + 15 * l, line, middle)),
  );
  const names = rows.flatMap(({ label }, r) => {
    const lines = label.split('\n');
    const first = HEADINGS + r * (CELL + GAP) + CELL / 2 + 4 - 7.5 * (lines.length - 1);
    return lines.map((line, l) => text(LABELS - 10, first + 15 * l, line, 'text-anchor="end"'));
  });
  const foot = height - LEGEND + 16;
  const stops = Array.from({ length: 9 }, (_, i) => {
    const [r, g, b] = heatColor(i / 8);
    return `<stop offset="${i / 8}" stop-color="rgb(${r},${g},${b})"/>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="12" fill="#222">
<defs><linearGradient id="heat">${stops.join('')}</linearGradient></defs>${[...groups, ...heads, ...names].join('')}
<rect x="${LABELS}" y="${foot}" width="180" height="12" fill="url(#heat)"/>${text(LABELS - 8, foot + 11, '0', 'text-anchor="end"')}${text(LABELS + 188, foot + 11, '1')}${text(LABELS + 214, foot + 11, legend)}</svg>`;
}

function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}
