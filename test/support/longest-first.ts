// The order of the test files: those known to be long come first, so that no core is left with one of them when all others are done.
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** In the order of their durations on a quiet machine, down to about 15 s. */
const LONG: readonly string[] = [
  'test/run',
  'src/train/torch-parity-full-size',
  'test/workers',
  'test/store-processes',
  'test/store-disk',
  'test/explain',
  'src/data/tiny-imagenet',
  'test/defend',
  'test/store',
  'test/archive-cli',
  'test/poisoned-set',
  'test/transfer',
  'test/audit',
  'src/runner/execute-run',
  'test/ssba-cli',
  'test/datasets-cli',
  'test/large-store',
  'test/repeats-rounds',
  'src/data/image-folder-hostile',
  'test/store-cli',
  'test/lint',
  'src/store/template',
  'test/lint-real',
  'src/data/official/idx',
];

export class LongestFirst extends BaseSequencer {
  /** Among the others vitest's own order: by their durations when it has run them before, else by their sizes. */
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const at = LONG.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
      return at < 0 ? LONG.length : at;
    };
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}
