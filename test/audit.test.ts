// `triggerlab audit` on classifiers of a few weights: one with a shortcut built in, one without, and ones that cannot be examined.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  CLASSES,
  PLANTED,
  plantedImages,
  plantedNetwork,
  SIDE,
} from '../src/defenses/neural-cleanse/planted.fixture.ts';
import { encodeModel } from '../src/graph/onnx/encode.ts';
import { classifierGraph } from '../src/runner/export-run.ts';
import { cli, startCli } from './support/cli.ts';
import { floatInput, modelBytes, node, type TensorInit, tinyGraph } from './support/onnx-proto.ts';

const folder = mkdtempSync(join(tmpdir(), 'audit-'));
const HALVES = JSON.stringify({
  normalization: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
  classes: 'abcdef'.split(''),
});

beforeAll(async () => {
  vi.stubEnv('TRIGGERLAB_CACHE', join(folder, 'cache'));
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
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

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

  it('examines what Keras exports: channels last, its own scaling, a softmax', async () => {
    const keras = join(import.meta.dirname, 'fixtures/keras/keras-cnn.onnx');
    const { code, stderr, stdout } = await audit(keras, '--out', 'keras.html', '--json');
    expect([0, 3]).toContain(code);
    expect(stderr).toMatch(/softmax is taken off/);
    const { model, neuralCleanse } = JSON.parse(stdout);
    expect(model).toMatchObject({ classes: 4, inputSize: 16, normalizationFrom: 'inside' });
    expect(neuralCleanse.classes).toHaveLength(4);
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

describe('audit again', () => {
  const long = ['--with', '{type: neural-cleanse, steps: 600}', '--json', '--images', 'images', '--threads', '1'];
  const args = ['audit', 'plain.onnx', ...long];
  const audits = join(folder, 'cache', 'audits');
  /** When each of the files of the search was written. */
  const lanes = () => {
    if (!existsSync(audits)) return [];
    const files = readdirSync(audits, { recursive: true }).map((name) => join(audits, String(name)));
    return files.filter((file) => file.endsWith('.safetensors')).map((file) => statSync(file).mtimeMs);
  };
  const figures = (stdout: string) => {
    const { neuralCleanse, verdict, behaviour } = JSON.parse(stdout);
    return { classes: neuralCleanse.classes, verdict, behaviour };
  };

  it('goes on where it was killed, with the same figures', async () => {
    const whole = await cli(folder, ...args, '--fresh');
    expect(JSON.parse(whole.stdout).neuralCleanse).toMatchObject({ complete: true, resumedSteps: 0 });
    rmSync(audits, { recursive: true });
    for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
      const before = Math.max(0, ...lanes());
      const { child, finished } = startCli(folder, args);
      while (lanes().filter((written) => written > before).length < CLASSES) {
        await new Promise((done) => setTimeout(done, 20));
      }
      child.kill(signal);
      const { code, stdout } = await finished;
      if (signal === 'SIGTERM') {
        expect(code).toBe(1);
        expect(JSON.parse(stdout).error).toMatchObject({ message: 'interrupted' });
      }
    }
    const rest = await cli(folder, ...args);
    expect(JSON.parse(rest.stdout).neuralCleanse.resumedSteps).toBeGreaterThan(0);
    expect(figures(rest.stdout)).toEqual(figures(whole.stdout));
    // A call that had time for one image: nothing could ever be said by it.
    const [name] = readdirSync(audits, { recursive: true })
      .map(String)
      .filter((file) => file.endsWith('state.json'));
    const state = JSON.parse(readFileSync(join(audits, name), 'utf8'));
    writeFileSync(join(audits, name), JSON.stringify({ ...state, images: { ...state.images, count: 1, cut: true } }));
    const anew = await cli(folder, ...args);
    expect(JSON.parse(anew.stdout).neuralCleanse.resumedSteps).toBe(0);
    expect(figures(anew.stdout)).toEqual(figures(whole.stdout));
    const fresh = await cli(folder, ...args, '--fresh', '--classes', '0-2');
    expect(JSON.parse(fresh.stdout).neuralCleanse.resumedSteps).toBe(0);
  });
});

describe('audit --with', () => {
  it('says which it might have been', async () => {
    const { code, stdout } = await audit('plain.onnx', '--with', 'neural-cleans', '--json');
    expect(code).toBe(2);
    const { message, hint } = JSON.parse(stdout).error;
    expect(`${message} ${hint}`).toMatch(/did you mean.*neural-cleanse/i);
  });

  it('has no verdict without Neural Cleanse, whatever the others say', async () => {
    const abs = '{type: abs, seeds: 4, candidates: 2, iterations: 20, heldOut: 20}';
    const { code, stdout } = await audit(write('tiny.onnx', modelBytes(tiny)), '--with', abs, '--json');
    expect(code).toBe(0);
    const { verdict, others } = JSON.parse(stdout);
    expect(verdict).toMatchObject({ kind: 'inconclusive', suspicious: [] });
    expect(verdict.reasons.join()).toMatch(/Neural Cleanse.*not among/);
    expect(others).toMatchObject([{ name: 'abs', complete: true, cost: { backwardPasses: expect.any(Number) } }]);
  });

  it('strip sorts suspect images: those with the trigger are flagged', async () => {
    const source = plantedImages(24);
    mkdirSync(join(folder, 'suspects'));
    for (let row = 0; row < source.count; row++) {
      const pixels = source.read([row]);
      // The planted pixel at full white.
      if (row % 2 === 0) pixels.fill(255, (PLANTED.y * SIDE + PLANTED.x) * 3, (PLANTED.y * SIDE + PLANTED.x) * 3 + 3);
      const raw = { width: SIDE, height: SIDE, channels: 3 } as const;
      await sharp(pixels, { raw })
        .png()
        .toFile(join(folder, 'suspects', `${row % 2 === 0 ? 'stamped' : 'plain'}-${row}.png`));
    }
    const { code, stdout } = await audit(
      ...['planted.onnx', '--with', 'neural-cleanse,{type: strip, overlays: 20}', '--suspects', 'suspects'],
      ...['--out', 'strip.html', '--json'],
    );
    expect(code).toBe(3);
    const [{ suspects, metrics }] = JSON.parse(stdout).others;
    expect(suspects).toHaveLength(24);
    expect(metrics.examinedRows).toBe(24);
    const stamped = suspects.slice(0, 12).filter(({ name }: { name: string }) => name.startsWith('stamped'));
    expect(stamped.length).toBeGreaterThan(9);
    expect(stamped[0].answer).toBe('d');
    expect(readFileSync(join(folder, 'strip.html'), 'utf8')).toContain('suspect images keep their answer');
  });
});
