// Every position of a trigger on one image: the paper's figure of trigger positions, as stamped and as the model sees it.
import sharp from 'sharp';
import { attackParameters, factorTitle, formatFactor } from '../analysis/factors.ts';
import { canonicalJson } from '../core/hash.ts';
import type { Image } from '../core/images.ts';
import { datasetLabel } from '../core/references.ts';
import { type ExampleImage, stampTogether } from '../lint/examples.ts';
import { listed, type Setting, type Stage } from '../lint/settings.ts';
import type { Runtime } from '../runtime/node.ts';
import { escapeXml } from './escape-xml.ts';

export interface PositionFigure {
  readonly title: string;
  readonly alt: string;
  /** PNG. */
  readonly png: Buffer;
  readonly width: number;
  readonly height: number;
}

/** Side of each of the two pictures, at least, and the room for labels beside the first. */
const SIDE = 300;
const LABELS = 104;
const MARGIN = 20;
const TOP = 84;

/** Where a named position is labelled: beside the picture, level with the trigger. */
const PLACES: Readonly<Record<string, { readonly right: boolean; readonly y: number }>> = {
  'top-left': { right: false, y: 0.03 },
  'bottom-left': { right: false, y: 0.97 },
  middle: { right: false, y: 0.5 },
  'top-right': { right: true, y: 0.03 },
  'bottom-right': { right: true, y: 0.97 },
};

/**
 * The figure of a stage, of the settings that differ in nothing but a named position: the largest and not black where there is a
 * choice. Undefined where no trigger has two named positions on the dataset's own pixels.
 */
export async function positionFigure(
  stage: Stage,
  image: ExampleImage,
  runtime: Runtime,
): Promise<PositionFigure | undefined> {
  const settings = samePlaces(stage.settings);
  if (settings.length < 2) return undefined;
  const { stamped, seen } = await stampTogether(stage, settings, image, runtime);
  const scale = Math.max(1, Math.ceil(SIDE / stamped.width));
  const side = stamped.width * scale;
  const places = settings.map(({ attack }) => String((attack as { position?: unknown }).position));
  const parameters = attackParameters(settings[0].attack)
    .filter(([name]) => name === 'size' || name === 'color')
    .map(([name, value]) => `${factorTitle(name)} ${formatFactor(name, value)}`);
  const title = `${settings[0].attack.type} on ${datasetLabel(stage.dataset)}: ${listed(places)}`;
  const note = `${parameters.join(', ')}; ${image.words}`;
  const [left, second] = [MARGIN + LABELS, MARGIN + 2 * LABELS + side];
  const width = Math.max(second + side + MARGIN, 2 * MARGIN + 9.2 * title.length, 2 * MARGIN + 7.2 * note.length);
  const [w, height] = [Math.round(width), TOP + side + MARGIN];
  const text = (x: number, y: number, words: string, style: string) =>
    `<text x="${x}" y="${y}" ${style}>${escapeXml(words)}</text>`;
  const labels = [
    text(MARGIN, 32, title, 'font-size="16" font-weight="bold"'),
    text(MARGIN, 51, note, 'font-size="13" fill="#565d66"'),
    text(left, TOP - 9, `Dataset’s pixels, ${stamped.width} × ${stamped.height}`, 'font-size="13"'),
    text(second, TOP - 9, `Model’s input, ${seen.width} × ${seen.height}`, 'font-size="13"'),
    ...places.map((place) => {
      const { right, y } = PLACES[place];
      const x = right ? left + side + 8 : left - 8;
      return text(x, TOP + y * side + 4, place, `font-size="13" text-anchor="${right ? 'start' : 'end'}"`);
    }),
  ];
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${height}" font-family="DejaVu Sans, Liberation Sans, Arial, Helvetica, sans-serif" fill="#1f2328">${labels.join('')}</svg>`;
  const ground = { create: { width: side + 2, height: side + 2, channels: 3 as const, background: '#cdcac4' } };
  const png = await sharp({ create: { width: w, height, channels: 3, background: '#fff' } })
    .composite([
      { input: ground, left: left - 1, top: TOP - 1 },
      { input: await enlarged(stamped, side), left, top: TOP },
      { input: ground, left: second - 1, top: TOP - 1 },
      { input: await enlarged(seen, side), left: second, top: TOP },
      { input: Buffer.from(svg), left: 0, top: 0 },
    ])
    .png({ compressionLevel: 9 })
    .toBuffer();
  return {
    title,
    alt: `${title}. ${note}. On the left as stamped, on the right as the model sees it.`,
    png,
    width: w,
    height,
  };
}

/** Settings that differ in their position alone. */
function samePlaces(settings: readonly Setting[]): Setting[] {
  const groups = new Map<string, Setting[]>();
  for (const setting of settings) {
    const { position, ...rest } = setting.attack as Readonly<Record<string, unknown>>;
    if (typeof position !== 'string' || !(position in PLACES) || rest.stampAt === 'input') continue;
    const key = canonicalJson(rest);
    groups.set(key, [...(groups.get(key) ?? []), setting]);
  }
  const rank = ([{ attack }, ...others]: Setting[]) => {
    const { size, color } = attack as { size?: unknown; color?: unknown };
    return (others.length + 1) * 1000 + (color === 'black' ? 0 : 100) + (typeof size === 'number' ? size : 0);
  };
  return [...groups.values()].sort((a, b) => rank(b) - rank(a))[0] ?? [];
}

function enlarged({ height, width, channels, pixels }: Image, side: number): Promise<Buffer> {
  return sharp(pixels, { raw: { height, width, channels } })
    .toColourspace('srgb')
    .resize(side, side, { kernel: side >= width ? 'nearest' : 'mitchell', fit: 'fill' })
    .png()
    .toBuffer();
}
