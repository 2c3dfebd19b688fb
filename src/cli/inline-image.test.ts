import { expect, it } from 'vitest';
import { inlineImage, inlineProtocol } from './inline-image.ts';

it.each([
  [{ TERM: 'xterm-kitty' }, 'kitty'],
  [{ KITTY_WINDOW_ID: '1', TERM: 'xterm-256color' }, 'kitty'],
  [{ TERM_PROGRAM: 'ghostty' }, 'kitty'],
  [{ TERM_PROGRAM: 'iTerm.app' }, 'iterm2'],
  [{ TERM_PROGRAM: 'WezTerm' }, 'iterm2'],
  [{ LC_TERMINAL: 'iTerm2' }, 'iterm2'],
  [{ TERM: 'xterm-256color' }, undefined],
  [{ TERM_PROGRAM: 'iTerm.app', TMUX: '/tmp/x' }, undefined],
  [{ TERM_PROGRAM: 'iTerm.app', TERM: 'screen-256color' }, undefined],
])('%j understands %s', (env, protocol) => {
  expect(inlineProtocol(env, true)).toBe(protocol);
  expect(inlineProtocol(env, false)).toBeUndefined();
});

it('sends the whole picture, to Kitty in pieces', () => {
  const png = Buffer.from(Array.from({ length: 8000 }, (_, i) => i % 256));
  const iterm = inlineImage(png, 'iterm2');
  expect(iterm.startsWith('\x1b]1337;File=inline=1;size=8000;')).toBe(true);
  expect(Buffer.from(iterm.slice(iterm.indexOf(':') + 1, -1), 'base64').equals(png)).toBe(true);
  const pieces = inlineImage(png, 'kitty').split('\x1b\\').slice(0, -1);
  expect(pieces.map((piece) => piece.slice(0, piece.indexOf(';')))).toEqual([
    '\x1b_Ga=T,f=100,m=1',
    '\x1b_Gm=1',
    '\x1b_Gm=0',
  ]);
  expect(Buffer.from(pieces.map((piece) => piece.slice(piece.indexOf(';') + 1)).join(''), 'base64').equals(png)).toBe(
    true,
  );
});
