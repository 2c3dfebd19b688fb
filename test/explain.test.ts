// `triggerlab explain` through the built command line, on a small backdoored run.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli } from './support/cli.ts';

const SPEC = `
name: why
dataset: mnist10k?train=1000&test=200
model: resnet-mini
freeze: none
training: {learningRate: 0.003, epochs: 2, batchSize: 32}
attack: {type: badnets, size: 0.2, position: top-left, color: white, poisonRate: 0.1}
`;

interface Explained {
  readonly layer: { readonly name: string; readonly height: number };
  readonly images: number;
  readonly questions: readonly {
    readonly network: string;
    readonly image: string;
    readonly class: string;
    readonly predicted: number;
    readonly trigger: { readonly massShare: { readonly mean: number }; readonly area: number };
  }[];
  readonly distances: readonly unknown[];
  readonly neurons: { readonly pruned: readonly { readonly pruned: number; readonly asr: number }[] };
}

let folder: string;
let runs: readonly { runId: string; asr: number | null }[];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'triggerlab-explain-'));
  writeFileSync(join(folder, 'why.yaml'), SPEC);
  const { code, stdout, stderr } = await cli(folder, 'run', 'why.yaml', '--json');
  expect(code, stderr).toBe(0);
  runs = (JSON.parse(stdout) as { runs: typeof runs }).runs;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const backdoored = () => runs.find(({ asr }) => asr !== null)?.runId ?? '';

describe('explain', () => {
  it('answers every question, and the backdoored network looks at the trigger', async () => {
    const options = ['--images', '40', '--shown', '3', '--neurons', '--out', 'why', '--json'];
    const { code, stdout, stderr } = await cli(folder, 'explain', backdoored().slice(0, 8), ...options);
    expect(code, stderr).toBe(0);
    const explained = JSON.parse(stdout) as Explained;
    expect(explained.layer.height).toBe(8);
    expect(explained.images).toBe(40);
    expect(explained.questions).toHaveLength(8);
    expect(explained.distances).toHaveLength(4);
    const asked = (network: string) =>
      explained.questions.find((one) => one.network === network && one.image === 'triggered' && one.class === 'target');
    const [own, twin] = [asked('backdoored'), asked('twin')];
    // 6 of 28 pixels each way, widened by the resize.
    expect(own?.trigger.area).toBeGreaterThan(0.04);
    expect(own?.trigger.area).toBeLessThan(0.06);
    expect(own?.predicted).toBeGreaterThan(0.8);
    expect(twin?.predicted).toBeLessThan(0.2);
    expect(own?.trigger.massShare.mean).toBeGreaterThan(2 * (twin?.trigger.massShare.mean ?? 1));
    const { pruned } = explained.neurons;
    expect(pruned[0].pruned).toBe(0);
    expect(pruned.at(-1)?.asr).toBeLessThan(pruned[0].asr);
    for (const file of ['index.html', 'heat-maps.png', 'measures.csv', 'channels.csv', 'pruning.csv'])
      expect(existsSync(join(folder, 'why', file)), file).toBe(true);
    expect(readFileSync(join(folder, 'why', 'index.html'), 'utf8')).toMatch(
      /<img src="data:image\/png[^>]*alt="Heat maps of 3/,
    );
  });

  it('is in the report of its experiment from then on', async () => {
    const { code, stderr } = await cli(folder, 'report', 'why', '--out', 'page');
    expect(code, stderr).toBe(0);
    const page = readFileSync(join(folder, 'page', 'index.html'), 'utf8');
    expect(page).toContain('Where the networks look');
    expect(page).toMatch(/<img src="data:image\/png[^>]*alt="Heat maps of 3/);
    const rows = readFileSync(join(folder, 'page', 'explanations.csv'), 'utf8')
      .trim()
      .split('\n');
    expect(rows).toHaveLength(3);
    expect(rows[1]).toContain(backdoored());
    expect(Number(rows[1].split(',').at(-2))).toBe(40);
  });

  it('shows feature maps under other sizes, larger ones farther away', async () => {
    const options = [
      '--feature-maps',
      'layer1',
      '--vary',
      'size=0.04,0.1,0.2',
      '--images',
      '10',
      '--out',
      'maps',
      '--json',
    ];
    const { code, stdout, stderr } = await cli(folder, 'explain', backdoored(), ...options);
    expect(code, stderr).toBe(0);
    const { distances } = JSON.parse(stdout) as { distances: { label: string; mean: number }[] };
    expect(distances.map(({ label }) => label)).toEqual(['size 0.04', 'size 0.1', 'size 0.2']);
    expect(distances[0].mean).toBeLessThan(distances[1].mean);
    expect(distances[1].mean).toBeLessThan(distances[2].mean);
    expect(existsSync(join(folder, 'maps', 'feature-maps.png'))).toBe(true);
  });

  it.each([
    ['a clean run', () => [runs.find(({ asr }) => asr === null)?.runId ?? ''], /is a clean run/],
    ['an unknown layer', () => [backdoored(), '--images', '2', '--layer', 'layer9'], /no layer "layer9"[\s\S]*layer/],
    ['--vary alone', () => [backdoored(), '--vary', 'size=0.1'], /needs --feature-maps/],
    ['a value out of range', () => [backdoored(), '--feature-maps', 'last', '--vary', 'size=7'], /size 7/],
  ])('refuses %s', async (_, args, message) => {
    const { code, stdout, stderr } = await cli(folder, 'explain', ...args(), '--out', 'refused');
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(message);
    expect(existsSync(join(folder, 'refused'))).toBe(false);
  });
});
