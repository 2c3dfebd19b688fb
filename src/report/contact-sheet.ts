// A contact sheet: images of every class on one page, as PNG.
import sharp from 'sharp';
import type { Dataset } from '../data/dataset.ts';

export interface ContactSheet {
  readonly png: Buffer;
  readonly width: number;
  readonly height: number;
  /** How to read it. */
  readonly caption: string;
}

const GAP = 3;
const ROW_OF_EACH = 10;
/** Up to so many classes have a row of their own; of more there is one image each. */
const MAX_ROWS = 20;
const COLUMNS = 20;
const MAX_CLASSES = 400;

/**
 * The first training images of each class in the order of the rows: a row of ten for each class or, of more than twenty
 * classes, one image for each, line by line. Small images are enlarged by a whole number, every pixel a square.
 */
export async function contactSheet({ train, classes }: Dataset): Promise<ContactSheet> {
  const rows = classes.length <= MAX_ROWS;
  const perClass = rows ? ROW_OF_EACH : 1;
  const columns = rows ? ROW_OF_EACH : COLUMNS;
  const shown = Math.min(classes.length, MAX_CLASSES);
  const scale = Math.max(1, Math.round(48 / train.width));
  const [cellWidth, cellHeight] = [train.width * scale + GAP, train.height * scale + GAP];
  const lines = Math.ceil((shown * perClass) / columns);
  const [width, height] = [columns * cellWidth + GAP, lines * cellHeight + GAP];
  const sheet = new Uint8Array(width * height * 3).fill(128);
  firstOfEachClass(train.labels, shown, perClass).forEach((list, label) => {
    list.forEach((row, i) => {
      const cell = label * perClass + i;
      const [left, top] = [GAP + (cell % columns) * cellWidth, GAP + Math.floor(cell / columns) * cellHeight];
      const pixels = train.read([row]);
      for (let y = 0; y < train.height * scale; y++) {
        for (let x = 0; x < train.width * scale; x++) {
          const from = (Math.floor(y / scale) * train.width + Math.floor(x / scale)) * train.channels;
          const to = ((top + y) * width + left + x) * 3;
          for (let c = 0; c < 3; c++) sheet[to + c] = pixels[from + (train.channels === 3 ? c : 0)];
        }
      }
    });
  });
  const png = await sharp(sheet, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 9 })
    .toBuffer();
  const more = shown < classes.length ? ` The first ${shown} of ${classes.length} classes are shown.` : '';
  const caption = rows
    ? `One class to a row, from the top: ${classes.join(', ')}.`
    : `One image of each class, line by line, ${columns} to a line.${more}`;
  return { png, width, height, caption };
}

function firstOfEachClass(labels: Uint16Array, classes: number, perClass: number): number[][] {
  const found = Array.from({ length: classes }, (): number[] => []);
  for (let row = 0; row < labels.length; row++) {
    const list = found[labels[row]];
    if (list && list.length < perClass) list.push(row);
  }
  return found;
}
