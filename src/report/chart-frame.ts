// What all charts share: series styles that do not need colour to be told apart, the legend, and the finished SVG.
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { escapeXml, withoutControls } from './escape-xml.ts';

/** A chart, ready to stand in a page or in a file of its own. */
export interface Chart {
  /** For file names and ids: lower-case letters, digits and hyphens. */
  readonly name: string;
  readonly title: string;
  /** How to read it, one or two sentences. */
  readonly caption: string;
  readonly svg: string;
}

/** One line or set of dots of a chart: the model decides colour and symbol, a second factor the dash. */
export interface Series {
  readonly label: string;
  readonly model: number;
  readonly variant: number;
}

/** A mean with the ends of its bar, in the panel of a column and a row. */
export interface PanelPoint {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly column: string;
  readonly row: string;
}

/** Okabe and Ito's colours, darkened (for white) and lightened (for black) to a contrast of at least 3 : 1. */
const LIGHT = ['#0072b2', '#c24a00', '#00795a', '#a8487f', '#7a6100', '#2f2f8f'];
const DARK = ['#56b4e9', '#ff9d5c', '#3fd0a4', '#e6a3cb', '#f0e442', '#b0b0ff'];
const SYMBOLS = ['circle', 'square', 'triangle', 'diamond', 'star', 'wye'] as const;
const DASHES = ['none', '6 4', '2 3', '9 3 2 3'];

/** How many second-factor levels one chart can tell apart. */
export const MAX_VARIANTS = DASHES.length;

/** The part of a DOM element that charts need (the compiler's DOM types are for browsers). */
export interface SvgElement {
  readonly outerHTML: string;
  textContent: string | null;
  readonly children: Iterable<SvgElement>;
  readonly attributes: Iterable<{ readonly name: string; value: string }>;
  setAttribute(name: string, value: string): void;
  removeAttribute(name: string): void;
  querySelectorAll(selector: string): Iterable<SvgElement>;
  append(child: SvgElement): void;
  prepend(...children: SvgElement[]): void;
  remove(): void;
}

interface SvgDocument {
  createElementNS(namespace: string, name: string): SvgElement;
}

/** The document that Plot draws into. */
export function svgDocument(): SvgDocument {
  return parseHTML('<!doctype html><html><body></body></html>').document;
}

export function strokeOf(series: Series): string {
  return `var(--series-${(series.model % LIGHT.length) + 1})`;
}

export function symbolOf(series: Series): (typeof SYMBOLS)[number] {
  return SYMBOLS[series.model % SYMBOLS.length];
}

export function dashOf(series: Series): string {
  return DASHES[series.variant % DASHES.length];
}

const STYLE = `.chart{color:#1f2328;--chart-paper:#fff;${variables(LIGHT)}}
@media screen and (prefers-color-scheme:dark){.chart{color:#e6e8eb;--chart-paper:#15181c;${variables(DARK)}}}
svg.chart{background:var(--chart-paper);max-width:100%;height:auto}`;

function variables(colors: readonly string[]): string {
  return colors.map((color, at) => `--series-${at + 1}:${color}`).join(';');
}

const CHARACTER = 6.9; // mean width of a character at 12 px, generously
const ITEM_HEIGHT = 20;

/** The legend's items in rows that fit `width`; `height` is what it takes. */
export function legend(
  series: readonly Series[],
  width: number,
): { height: number; draw(document: SvgDocument): SvgElement[] } {
  if (series.length < 2) return { height: 0, draw: () => [] };
  let x = 0;
  let row = 0;
  const items = series.map((one) => {
    const needed = 40 + CHARACTER * one.label.length + 18;
    if (x > 0 && x + needed > width) {
      x = 0;
      row++;
    }
    const item = { ...one, x, y: row * ITEM_HEIGHT + ITEM_HEIGHT / 2 };
    x += needed;
    return item;
  });
  const height = (row + 1) * ITEM_HEIGHT;
  const draw = (document: SvgDocument) => [
    Plot.plot({
      document,
      width,
      height,
      margin: 0,
      axis: null,
      x: { domain: [0, width], range: [0, width] },
      y: { domain: [0, height], range: [0, height] },
      marks: items.map((item) => [
        Plot.link([item], {
          x1: item.x,
          x2: item.x + 32,
          y1: 'y',
          y2: 'y',
          stroke: strokeOf(item),
          strokeWidth: 2,
          strokeDasharray: dashOf(item),
        }),
        Plot.dot([item], { x: item.x + 16, y: 'y', r: 4, symbol: symbolOf(item), fill: strokeOf(item) }),
        Plot.text([item], { x: item.x + 40, y: 'y', text: 'label', textAnchor: 'start' }),
      ]),
    }),
  ];
  return { height, draw };
}

/**
 * The SVG's text: self-contained (its own colours for light, dark and print), labelled for screen readers, with the
 * legend set into the top left corner.
 */
export function finish(
  svg: SvgElement,
  document: SvgDocument,
  words: { title: string; description: string },
  legendParts: readonly SvgElement[] = [],
): string {
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  svg.setAttribute('class', 'chart');
  svg.setAttribute('role', 'img');
  svg.setAttribute('font-size', '12');
  for (const part of [svg, ...legendParts]) for (const style of part.querySelectorAll('style')) style.remove();
  for (const part of legendParts) {
    const group = document.createElementNS('http://www.w3.org/2000/svg', 'g');
    group.setAttribute('transform', 'translate(8,6)');
    for (const child of [...part.children]) group.append(child);
    svg.append(group);
  }
  const style = document.createElementNS('http://www.w3.org/2000/svg', 'style');
  style.textContent = STYLE;
  const title = document.createElementNS('http://www.w3.org/2000/svg', 'title');
  title.textContent = words.title;
  svg.prepend(title, style);
  for (const element of svg.querySelectorAll('*')) roundGeometry(element);
  // Set in the text because linkedom leaves `<` in attributes as it is, which HTML allows and XML does not.
  const label = escapeXml(`${words.title}. ${words.description}`);
  return withoutControls(svg.outerHTML).replace('<svg ', () => `<svg aria-label="${label}" `);
}

const GEOMETRY = new Set(['x', 'y', 'x1', 'x2', 'y1', 'y2', 'cx', 'cy', 'width', 'height', 'd', 'transform']);

/** Hundredths of a pixel are enough, and hide the last bits of sums taken in another order. */
function roundGeometry(element: SvgElement): void {
  for (const attribute of element.attributes) {
    if (!GEOMETRY.has(attribute.name)) continue;
    attribute.value = attribute.value.replace(/-?\d+\.\d{3,}/g, (number) => String(Number(Number(number).toFixed(2))));
  }
}

/** A name for files and ids: other characters than letters, digits and hyphens become hyphens. */
export function slug(text: string): string {
  return (
    text
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '')
      .slice(0, 60) || 'chart'
  );
}
