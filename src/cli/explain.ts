// `triggerlab explain`: where a backdoored run and its clean twin look, and which channels answer to the trigger.
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { parse } from 'yaml';
import { inputError } from '../core/errors.ts';
import type { CamMethod } from '../explain/grad-cam.ts';
import { textTable } from '../report/text-table.ts';
import type { RunFeatureMaps } from '../runner/feature-maps-of-run.ts';
import { DEFAULT_STORE } from '../store/open.ts';
import { finish } from './command.ts';
import { wholeNumber } from './numbers.ts';
import { log, print, printJson } from './output.ts';
import { Progress } from './progress.ts';
import { withStore } from './with-store.ts';

interface Options {
  readonly store: string;
  readonly images: number;
  readonly shown: number;
  readonly layer?: string;
  readonly method: CamMethod;
  readonly neurons?: boolean;
  readonly featureMaps?: string;
  readonly vary?: string;
  readonly out: string;
  readonly json?: boolean;
}

/** Channels of a layer that a figure shows. */
const SHOWN_CHANNELS = 5;
/** Shares of the channels that `--neurons` silences. */
const PRUNED_SHARES = [0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9];

export function registerExplain(program: Command): void {
  const command = program
    .command('explain')
    .argument('<run>', 'a backdoored run, by its id or the beginning of it')
    .description('Grad-CAM of a backdoored run and its clean twin: heat maps as pictures and as figures')
    .option('--images <n>', 'test images that the figures are means over', wholeNumber(1, 100_000), 200)
    .option('--shown <n>', 'images shown as heat maps', wholeNumber(1, 50), 6)
    .option(
      '--layer <name>',
      'layer to look at: fine (the last of at least 8 × 8, default), last (before pooling, as the papers have it), or the beginning of a name such as layer2',
    )
    .addOption(
      new Option('--method <name>', 'how maps are made').choices(['grad-cam', 'grad-cam++']).default('grad-cam'),
    )
    .option(
      '--feature-maps <layer>',
      'instead of heat maps: activations of this layer under the trigger, and how far it moves them',
    )
    .option(
      '--vary <parameter=value,…>',
      'with --feature-maps: the trigger with these values, such as size=0.04,0.08,0.16',
    )
    .option('--neurons', 'also rank the channels of the last maps by the trigger, and silence the first of them')
    .option('--out <dir>', 'directory for the page, the pictures and the CSV files', 'triggerlab-explanation')
    .option('--store <dir|url>', 'directory or postgres:// URL of the store', DEFAULT_STORE);
  finish(command, [
    'explain 3fa94c1b',
    'explain 3fa94c1b --layer layer2 --images 500 --neurons --out why',
    'explain 3fa94c1b --feature-maps features.0 --vary size=0.04,0.08,0.16',
  ]).action(explainCommand);
}

async function explainCommand(id: string, options: Options): Promise<void> {
  const vary = varied(options);
  // Loaded here because they bring in the engine and what draws, which nobody should wait for who asks for help.
  const { Runtime } = await import('../runtime/node.ts');
  const { explainRun } = await import('../runner/explain-run.ts');
  const { featureMapsOfRun } = await import('../runner/feature-maps-of-run.ts');
  const { MEASURE_COLUMNS, measureRows, writeExplanation } = await import('../report/explanation.ts');
  const { EXPLANATION_ARTIFACT } = await import('../report/kept-explanation.ts');
  const { TRAINED_ARTIFACT } = await import('../runner/twins.ts');
  const { run, kept } = await withStore(options.store, async (store) => {
    const found = await store.getRun(id);
    const twin = found.twinId === null ? undefined : await store.getRun(found.twinId);
    return {
      run: found,
      kept: {
        trained: await store.getArtifact(found.runId, TRAINED_ARTIFACT),
        twin,
        twinTrained: twin && (await store.getArtifact(twin.runId, TRAINED_ARTIFACT)),
      },
    };
  });
  if (kept.trained === undefined && run.status === 'done')
    log(`the weights of run ${run.runId} were not kept: doing it again`);
  const runtime = new Runtime({ threads: availableParallelism() });
  const progress = new Progress();
  try {
    if (options.featureMaps !== undefined) {
      const maps = await featureMapsOfRun(runtime, run, kept.trained, {
        ...{ layer: options.featureMaps, images: options.images, channels: SHOWN_CHANNELS, vary },
        onProgress: (share) => progress.update(share, 'training'),
      });
      progress.end();
      await showFeatureMaps(run.runId, maps, options);
      return;
    }
    const explanation = await explainRun(runtime, run, kept, {
      ...{ images: options.images, shown: Math.min(options.shown, options.images) },
      ...{ layer: options.layer, method: options.method },
      prune: options.neurons ? PRUNED_SHARES : [],
      onProgress: (share, what) => progress.update(share, what),
    });
    progress.end();
    const { files, figures, kept: bytes } = await writeExplanation(run, explanation, options.out);
    await withStore(options.store, (store) => store.putArtifact(run.runId, EXPLANATION_ARTIFACT, bytes));
    const { layer, method } = explanation.study;
    if (options.json) {
      const { name, op, channels, height, width } = layer;
      printJson({
        ...{ runId: run.runId, method, layer: { name, op, channels, height, width }, images: explanation.rows.length },
        ...figures,
        neurons: explanation.neurons ?? null,
        files: files.map((file) => resolve(file)),
      });
      return;
    }
    print(`${method} at ${layer.name} (${layer.height} × ${layer.width}), ${explanation.rows.length} images`);
    print(
      textTable(
        MEASURE_COLUMNS.map((title) => ({ title })),
        measureRows(figures),
      ),
    );
    print(`\nPage: ${resolve(options.out, 'index.html')}`);
  } finally {
    progress.end();
    await runtime.close();
  }
}

async function showFeatureMaps(runId: string, maps: RunFeatureMaps, { out, json }: Options): Promise<void> {
  const { featureMapDistances, writeFeatureMaps } = await import('../report/feature-map-figure.ts');
  const { figureText } = await import('../report/kept-explanation.ts');
  const files = (await writeFeatureMaps(maps, out)).map((file) => resolve(file));
  const distances = featureMapDistances(maps);
  const { layer, channels } = maps.study;
  if (json) {
    printJson({ runId, layer, channels, distances, files });
    return;
  }
  print(`Activations of ${layer.name} (${layer.height} × ${layer.width}) with the trigger, against those without it`);
  const rows = distances.map((one) => [one.label, figureText(one), String(one.n)]);
  print(textTable([{ title: 'trigger' }, { title: 'relative distance' }, { title: 'images' }], rows));
  print(`\nPicture: ${files[0]}`);
}

/** `size=0.04,0.08`: a parameter and its values, each read as YAML. */
function varied({ vary, featureMaps }: Options): { parameter: string; values: unknown[] } | undefined {
  if (vary === undefined) return undefined;
  const [, parameter, list] = /^([A-Za-z]+)=(.+)$/.exec(vary) ?? [];
  if (parameter === undefined || featureMaps === undefined) {
    throw inputError(
      `--vary ${vary}: ${parameter === undefined ? 'expected parameter=value,…' : 'needs --feature-maps'}`,
      {
        hint: 'For example: --feature-maps features.0 --vary size=0.04,0.08,0.16',
      },
    );
  }
  const values = parse(`[${list}]`) as unknown[];
  return { parameter, values };
}
