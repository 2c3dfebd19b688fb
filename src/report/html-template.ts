// HTML by tagged template: everything is escaped unless it is HTML already.
import { escapeXml } from './escape-xml.ts';

/** Text that is known to be safe HTML. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type HtmlPart = Html | string | number | undefined | readonly HtmlPart[];

function render(part: HtmlPart): string {
  if (part === undefined) return '';
  if (part instanceof Html) return part.text;
  return Array.isArray(part) ? part.map(render).join('') : escapeXml(String(part));
}

/** `` html`<p>${text}</p>` ``: strings and numbers are escaped, Html and lists of it go in as they are. */
export function html(strings: TemplateStringsArray, ...parts: readonly HtmlPart[]): Html {
  return new Html(strings.map((text, at) => text + (at < parts.length ? render(parts[at]) : '')).join(''));
}

/** HTML of our own making, such as a finished SVG. */
export function trusted(text: string): Html {
  return new Html(text);
}
