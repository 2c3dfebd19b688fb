// `triggerlab audit` on classifiers of a few weights: one with a shortcut built in, one without, and ones that cannot be examined.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  CLASSES,
  PLANTED,
  plantedImages,
  plantedNetwork,
  SIDE,
} from '../src/defenses/neural-cleanse/planted.fixture.ts';
import { encodeModel } from '../src/graph/onnx/encode.ts';
import { classifierGraph } from '../src/runner/export-run.ts';
import { cli } from './support/cli.ts';
import { floatInput, modelBytes, node, type TensorInit, tinyGraph } from './support/onnx-proto.ts';

const folder = mkdtempSync(join(tmpdir(), 'audit-'));
const HALVES = JSON.stringify({
  normalization: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
  classes: 'abcdef'.split(''),
});

beforeAll(async () => {
  for (const planted of [true, false]) {
    const file = join(folder, planted ? 'planted.onnx' : 'plain.onnx');
    writeFileSync(file, encodeModel(classifierGraph(await plantedNetwork(planted), {}, false)));
    writeFileSync(`${file}.json`, HALVES);
  }
  const images = plantedImages();
  for (let row = 0; row < images.count; row++) {
    const name = 'abcdef'[images.labels[row]];
    mkdirSync(join(folder, 'images', name), { recursive: true });
    const raw = { width: SIDE, height: SIDE, channels: 3 } as const;
    await sharp(images.read([row]), { raw })
      .png()
      .toFile(join(folder, 'images', name, `${row}.png`));
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

const tiny = tinyGraph();
const nodes = tiny.node ?? [];
const initializers = tiny.initializer ?? [];
function write(name: string, bytes: Uint8Array): string {
  writeFileSync(join(folder, name), bytes);
  return name;
}

const audit = (...args: string[]) => cli(folder, 'audit', ...args, '--images', 'images', '--threads', '1');

describe('audit', () => {
  it('finds the class with a shortcut, says why, and ends with 3', async () => {
    const { code, stdout } = await audit('planted.onnx', '--out', 'reports/planted.html', '--json');
    const found = JSON.parse(stdout);
    expect(code).toBe(3);
    expect(found.verdict).toMatchObject({ kind: 'suspicious', suspicious: [{ class: PLANTED.class, name: 'd' }] });
    expect(found.behaviour.accuracy).toBeGreaterThan(0.7);
    expect(found.images).toMatchObject({
      labels: 'by-name',
      count: 96,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(found.model).toMatchObject({ classes: CLASSES, inputSize: SIDE, normalizationFrom: 'sidecar' });
    expect(found.neuralCleanse.classes[0]).toMatchObject({ class: PLANTED.class, suspicious: true });
    expect(found.calibration).toMatchObject({ classes: CLASSES, kind: 'resampled' });
    const page = readFileSync(join(folder, 'reports/planted.html'), 'utf8');
    expect(page).toContain('Suspicious');
    expect(page).toContain(found.model.sha256);
    expect(page).toContain(found.images.sha256);
    expect(page).toContain('data:image/png;base64,');
    expect(page).not.toMatch(/(?:src|href)="(?!#|data:)/);
  });

  it('finds nothing in the one without, and ends with 0', async () => {
    const { code, stdout } = await audit('plain.onnx');
    expect(code).toBe(0);
    expect(stdout).toContain('No backdoor found');
    expect(stdout).toContain('no proof that there is none');
  });

  it('says nothing of two classes, which cannot be compared', async () => {
    const { code, stdout } = await audit('planted.onnx', '--classes', 'a,3', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout).verdict).toMatchObject({ kind: 'inconclusive', suspicious: [] });
  });

  it('says which of two outputs it examines, and takes old operator sets', async () => {
    const two = { ...tiny, output: [...(tiny.output ?? []), floatInput('m', ['N', 4, 4, 4])] };
    const { code, stderr, stdout } = await audit(write('two.onnx', modelBytes(two, 9)), '--json');
    expect([0, 3]).toContain(code);
    expect(stderr).toMatch(/operator set 9/);
    expect(stderr).toMatch(/2 outputs: "y" is examined, not "m"/);
    const { images, model } = JSON.parse(stdout);
    expect(images.labels).toBe('none');
    expect(model.normalizationFrom).toBe('guess');
  });

  it('refuses what it cannot examine, with exit code 2 and no report', async () => {
    const foreign = nodes.flatMap((one) => (one.opType === 'Relu' ? [node('Foreign', ['a'], ['b'])] : [one]));
    const external: TensorInit = {
      ...{ name: 'c.weight', dims: [512n * 2n ** 20n], dataType: 1, dataLocation: 1 },
      externalData: [
        { key: 'location', value: 'weights.bin' },
        { key: 'length', value: String(2 ** 31) },
      ],
    };
    const cases: [string, RegExp, ...string[]][] = [
      [write('foreign.onnx', modelBytes({ ...tiny, node: foreign })), /Foreign × 1/],
      [write('bytes.onnx', modelBytes({ ...tiny, input: [floatInput('x', ['N', 3, 8, 8], 2)] })), /8-bit pixels/],
      [write('external.onnx', modelBytes({ ...tiny, initializer: [external, ...initializers.slice(1)] })), /external/],
      ['planted.onnx', /no class "g"/, '--classes', 'g'],
    ];
    for (const [file, message, ...args] of cases) {
      const { code, stdout } = await audit(file, ...args, '--out', 'refused.html', '--json');
      expect([file, code]).toEqual([file, 2]);
      const { error } = JSON.parse(stdout);
      expect(error.message).toMatch(message);
    }
    expect(() => readFileSync(join(folder, 'refused.html'))).toThrow();
    expect((await cli(folder, 'audit', 'planted.onnx')).code).toBe(2);
  });
});
