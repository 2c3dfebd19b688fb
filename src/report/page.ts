// What all our pages share: one static file with its style and, at most, one script; no network; landmarks and a link past the header.
import { sha256Bytes } from '../core/hash.ts';
import { STYLE } from './html-style.ts';
import { type Html, html, trusted } from './html-template.ts';

export interface Page {
  readonly title: string;
  /** What the first link, past the header, says. */
  readonly skip: string;
  /** A line above the heading: what kind of page it is. */
  readonly kicker: string;
  readonly heading: Html | string;
  /** The header below its heading. */
  readonly header: Html;
  readonly main: Html;
  readonly footer?: Html | undefined;
  /** Styles beside the common ones. */
  readonly style?: string;
  /** The only script that may run. */
  readonly script?: string;
  /** Version that made the page, where it is told. */
  readonly version?: string;
}

/** The page's text. Its policy lets nothing be fetched, and no script run but the one whose hash stands there. */
export function pageHtml({
  title,
  skip,
  kicker,
  heading,
  header,
  main,
  footer,
  style = '',
  script,
  version,
}: Page): string {
  const scripts =
    script === undefined ? '' : `script-src 'sha256-${Buffer.from(sha256Bytes(script)).toString('base64')}'; `;
  const policy = `default-src 'none'; img-src data:; style-src 'unsafe-inline'; ${scripts}base-uri 'none'; form-action 'none'`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="triggerlab${version === undefined ? '' : ` ${version}`}">
<title>${title}</title>
<style>${trusted(STYLE + style)}</style>
</head>
<body>
<a class="skip" href="#main">${skip}</a>
<header>
<p class="kicker">${kicker}</p>
<h1>${heading}</h1>
${header}
</header>
<main id="main" tabindex="-1">
${main}
</main>
${footer ? html`<footer>${footer}</footer>\n` : ''}${script === undefined ? '' : html`<script>${trusted(script)}</script>\n`}</body>
</html>
`.text;
}
