// Pictures in terminals that can show them, told by the environment; elsewhere a file has to do.

type Environment = Readonly<Record<string, string | undefined>>;

const KITTY_CHUNK = 4096;

/** The protocol that the terminal understands: Kitty's, iTerm2's, or none that we know of. */
export function inlineProtocol(env: Environment, isTerminal: boolean): 'kitty' | 'iterm2' | undefined {
  // tmux and screen swallow both.
  if (!isTerminal || env.TMUX || /^(screen|tmux)/.test(env.TERM ?? '')) return undefined;
  if (env.KITTY_WINDOW_ID || env.TERM === 'xterm-kitty' || /^ghostty$/i.test(env.TERM_PROGRAM ?? '')) return 'kitty';
  const iterm = /^(iTerm\.app|WezTerm|mintty)$/.test(env.TERM_PROGRAM ?? '') || env.LC_TERMINAL === 'iTerm2';
  return iterm ? 'iterm2' : undefined;
}

/** The text that makes the terminal show a PNG. */
export function inlineImage(png: Buffer, protocol: 'kitty' | 'iterm2'): string {
  const data = png.toString('base64');
  if (protocol === 'iterm2') {
    return `\x1b]1337;File=inline=1;size=${png.length};preserveAspectRatio=1:${data}\x07`;
  }
  const chunks = data.match(new RegExp(`.{1,${KITTY_CHUNK}}`, 'g')) ?? [];
  return chunks
    .map((chunk, i) => {
      const more = i < chunks.length - 1 ? 1 : 0;
      return `\x1b_G${i === 0 ? `a=T,f=100,m=${more}` : `m=${more}`};${chunk}\x1b\\`;
    })
    .join('');
}
