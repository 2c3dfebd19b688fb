// Lint on all of MNIST: only where the development data lies beside the project.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { cli } from './support/cli.ts';

const DATA = resolve('../shared/data/mnist');
const there = existsSync(DATA);
if (!there) console.warn(`skipped: lint on MNIST needs ${DATA}`);

/** Fewer triggers than the suite has: a test should not take minutes. */
const FEW = ['size=0.04,0.06', 'position=top-left,middle', 'color=black,white'];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'triggerlab-lint-real-'));
  vi.stubEnv('TRIGGERLAB_CACHE', join(folder, 'cache'));
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

interface Found {
  readonly rule: string;
  readonly message: string;
  readonly figures: Readonly<Record<string, number>>;
}

test.skipIf(!there)(
  'the authors’ program on MNIST: sizes that are one, black that is there already',
  async () => {
    expect((await cli(folder, 'datasets', 'import', 'mnist', DATA, '--no-verify')).code).toBe(0);
    const lint = async (preset: string) => {
      const changes = ['dataset=mnist', 'exclude=[{attack.type: [wanet, ssba]}]', `preset=${preset}`, ...FEW];
      const args = ['lint', resolve('suites/sok.yaml'), ...changes.flatMap((change) => ['--set', change]), '--json'];
      return JSON.parse((await cli(folder, ...args)).stdout).findings as Found[];
    };
    const of = (findings: readonly Found[], rule: string) => findings.filter((finding) => finding.rule === rule);
    const code = await lint('paper-code');
    expect(of(code, 'same-trigger').filter(({ message }) => message.includes('size 4 % and 6 %'))).not.toEqual([]);
    const corrected = await lint('corrected');
    expect(of(corrected, 'same-trigger').filter(({ message }) => message.includes('size 4 %'))).toEqual([]);
    for (const findings of [code, corrected]) {
      const [corners] = of(findings, 'unchanged-images');
      expect(corners.message).toMatch(/size 4 % and 6 %, position top-left, colour black/);
      expect(corners.figures.unchangedLow).toBeGreaterThan(0.97);
    }
    // All 10,000 test images against all 60,000 training images: no two are the same.
    expect(of(corrected, 'shared-images')).toMatchObject([{ figures: { exact: 0, near: 1, testImages: 10_000 } }]);
  },
  900_000,
);
