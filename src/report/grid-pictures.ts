// The pictures of a trigger grid as PNG: a strip per row and panel, and the whole table with its labels on white.
import sharp from 'sharp';
import type { Image } from '../core/images.ts';
import type { TriggerExample } from '../lint/examples.ts';
import { escapeXml } from './escape-xml.ts';
import type { GridRow, TriggerGrid } from './trigger-grid.ts';

/** What is shown of each trigger, from left to right. */
export interface Panel {
  readonly title: string;
  pictureOf(example: TriggerExample): Image;
  /** Whether a frame marks pictures that the trigger leaves as they are. */
  readonly marked: boolean;
}

/** About how wide a picture is, in pixels. */
const CELL = 96;
const GAP = 6;
const BETWEEN = 28;
const MARGIN = 20;
const LABEL_HEIGHT = 18;
const INK = '#1f2328';
const SOFT = '#565d66';
const MARK = { r: 200, g: 40, b: 30 };
const HAIRLINE = { r: 205, g: 202, b: 196 };
const BLANK = { r: 240, g: 238, b: 234 };

/** The panels of a grid: the triggered image where it is stamped, as the model sees it, and what changed there. */
export function panelsOf(grid: TriggerGrid): Panel[] {
  const input = `${grid.inputSize} × ${grid.inputSize}`;
  const stamped = grid.rows.some(({ cells }) => cells.some((cell) => cell?.native));
  const native: Panel = {
    title: `Dataset’s pixels, ${grid.native}`,
    pictureOf: (example) => example.native ?? example.seen,
    marked: false,
  };
  return [
    ...(stamped ? [native] : []),
    { title: `Model’s input, ${input}`, pictureOf: (example) => example.seen, marked: true },
    {
      title: `Change of the input${grid.factor > 1 ? `, × ${grid.factor}` : ''}: dark is more`,
      pictureOf: (example) => changePicture(example, grid.factor),
      marked: true,
    },
  ];
}

/** White where nothing changed, the darker the more. */
function changePicture({ seen, difference }: TriggerExample, factor: number): Image {
  return { ...seen, pixels: Uint8Array.from(difference, (level) => 255 - Math.min(255, Math.round(factor * level))) };
}

/** Side in pixels at which pictures of a grid are drawn: small ones are enlarged by a whole number. */
export function cellSide({ rows }: TriggerGrid): number {
  const first = rows.flatMap(({ cells }) => cells).find((cell) => cell !== undefined);
  const width = (first?.native ?? first?.seen)?.width ?? CELL;
  return width > 1.5 * CELL ? Math.round(1.34 * CELL) : width * Math.max(1, Math.round(CELL / width));
}

async function drawn(image: Image, side: number): Promise<Buffer> {
  const { height, width, channels, pixels } = image;
  // Whole multiples keep every pixel a square; what has to shrink, or does not fit a multiple, is drawn smoothly.
  const kernel = side % width === 0 ? 'nearest' : side > width ? 'nearest' : 'mitchell';
  return sharp(pixels, { raw: { height, width, channels } })
    .toColourspace('srgb')
    .resize(side, side, { kernel, fit: 'fill' })
    .png()
    .toBuffer();
}

/** One row of one panel side by side, PNG. */
export async function stripPng({ cells }: GridRow, panel: Panel, side: number): Promise<Buffer> {
  const layers = await Promise.all(
    cells.map(async (cell, at) => {
      const left = at * (side + GAP) + 1;
      // A hairline keeps white pixels at the border apart from the page.
      const ground = { input: plate(side + 2, cell ? HAIRLINE : BLANK), left: left - 1, top: 0 };
      if (!cell) return [ground];
      const picture = { input: await drawn(panel.pictureOf(cell), side), left, top: 1 };
      return [ground, picture, ...(panel.marked && cell.changed === 0 ? frame(left, 1, side) : [])];
    }),
  );
  const size = stripSize(cells.length, side);
  return sharp({ create: { ...size, channels: 3, background: '#fff' } })
    .composite(layers.flat())
    .png({ compressionLevel: 9 })
    .toBuffer();
}

/** All strips of a grid: `[row][panel]`. */
export async function drawStrips(grid: TriggerGrid): Promise<Buffer[][]> {
  const panels = panelsOf(grid);
  const side = cellSide(grid);
  const strips: Buffer[][] = [];
  for (const row of grid.rows) strips.push(await Promise.all(panels.map((panel) => stripPng(row, panel, side))));
  return strips;
}

function plate(side: number, background: { r: number; g: number; b: number }, height = side) {
  return { create: { width: side, height, channels: 3 as const, background } };
}

function frame(left: number, top: number, side: number) {
  const thick = 3;
  return [
    { input: plate(side, MARK, thick), left, top },
    { input: plate(side, MARK, thick), left, top: top + side - thick },
    { input: plate(thick, MARK, side), left, top },
    { input: plate(thick, MARK, side), left: left + side - thick, top },
  ];
}

/** Width and height of a strip of so many pictures. */
export function stripSize(pictures: number, side: number): { readonly width: number; readonly height: number } {
  return { width: pictures * (side + GAP) - GAP + 2, height: side + 2 };
}

/** The whole table as one PNG with headings and labels. `strips[row][panel]` are its rows. */
export async function gridPng(grid: TriggerGrid, strips: readonly (readonly Uint8Array[])[]): Promise<Buffer> {
  const panels = panelsOf(grid);
  const side = cellSide(grid);
  const strip = stripSize(grid.columns.length, side).width;
  const labelWidth = 24 + Math.max(...grid.rows.map(({ label }) => 7.4 * label.length), 7.4 * grid.down.length);
  const turned = grid.columns.some((column) => 6.6 * column.length > side + GAP);
  const head = turned ? 74 : LABEL_HEIGHT;
  const top = MARGIN + 78 + LABEL_HEIGHT + head;
  const leftOf = (panel: number) => Math.round(MARGIN + labelWidth + panel * (strip + BETWEEN));
  const topOf = (row: number) => top + row * (side + GAP);
  const width = leftOf(panels.length) - BETWEEN + MARGIN;
  const notes = [
    `${grid.image}; ${grid.chain}${grid.left > 0 ? `; ${grid.left} more triggers are not shown` : ''}`,
    'Red frame: the trigger leaves the model’s input of this image as it is.',
  ];
  const text = (x: number, y: number, words: string, style = '') =>
    `<text x="${x}" y="${y}" ${style}>${escapeXml(words)}</text>`;
  const labels = [
    text(MARGIN, MARGIN + 20, grid.title, `font-size="22" font-weight="bold"`),
    ...notes.map((note, i) => text(MARGIN, MARGIN + 42 + 18 * i, note, `font-size="13" fill="${SOFT}"`)),
    text(MARGIN, top - 8, grid.down, `font-size="13" fill="${SOFT}"`),
    ...panels.flatMap((panel, p) => [
      text(leftOf(p), top - head - 12, panel.title, 'font-size="15" font-weight="bold"'),
      ...grid.columns.map((column, c) => {
        const x = leftOf(p) + c * (side + GAP) + (turned ? 12 : 0);
        return text(
          x,
          top - 7,
          column,
          `font-size="12" fill="${SOFT}"${turned ? ` transform="rotate(-35 ${x} ${top - 7})"` : ''}`,
        );
      }),
    ]),
    ...grid.rows.map(({ label }, r) => text(MARGIN, topOf(r) + side / 2 + 5, label, 'font-size="14"')),
  ];
  const height = topOf(grid.rows.length) + MARGIN - GAP;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="DejaVu Sans, Liberation Sans, Arial, Helvetica, sans-serif" fill="${INK}">${labels.join('')}</svg>`;
  const pictures = strips.flatMap((row, r) =>
    row.map((input, p) => ({ input: Buffer.from(input), left: leftOf(p), top: topOf(r) })),
  );
  return sharp({ create: { width, height, channels: 3, background: '#fff' } })
    .composite([...pictures, { input: Buffer.from(svg), left: 0, top: 0 }])
    .png({ compressionLevel: 9 })
    .toBuffer();
}

/** Whether this machine has a font to write labels with: without one the pictures have none. */
export async function hasFonts(): Promise<boolean> {
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><text y="30" font-size="30">M</text></svg>';
  const { channels } = await sharp(Buffer.from(svg)).stats();
  return channels.length > 3 && channels[3].max > 0;
}
