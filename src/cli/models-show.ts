// `triggerlab models show`: layers of a network, what a freeze policy trains of it, and what a step costs.
import { type Command, Option } from 'commander';
import { inputError } from '../core/errors.ts';
import { formatBytes } from '../core/format.ts';
import { describeArchitecture, type Origin } from '../models/architecture.ts';
import { freezePolicyNames, parseFreeze } from '../models/freeze.ts';
import { modelNamed } from '../models/named.ts';
import { resizedLayers } from '../models/state.ts';
import { textTable } from '../report/text-table.ts';
import { type Ledger, type LedgerLayer, ledger } from '../train/ledger.ts';
import { finish } from './command.ts';
import { wholeNumber } from './numbers.ts';
import { print, printJson } from './output.ts';

interface ShowOptions {
  readonly freeze: string;
  readonly classes: number;
  readonly inputSize?: number;
  readonly init: Origin;
  readonly optimizer: 'adam' | 'sgd';
  readonly json?: boolean;
}

export function registerModelsShow(group: Command): void {
  const show = group
    .command('show')
    .description('layers, trained and frozen parameters, arithmetic and memory of one model')
    .argument('<model>', 'a model (triggerlab models ls), or the path of an ONNX file')
    .option('--freeze <policy>', freezePolicyNames.join(', '), 'paper')
    .option('--classes <n>', 'classes of the new head', wholeNumber(2, 100_000), 10)
    .option('--input-size <pixels>', "side of the images; the model's own by default", wholeNumber(8, 1024))
    .addOption(
      new Option('--init <origin>', 'fine-tuning or training from scratch')
        .choices(['pretrained', 'random'])
        .default('pretrained'),
    )
    .addOption(new Option('--optimizer <name>', 'whose state is counted').choices(['adam', 'sgd']).default('adam'));
  finish(show, [
    'models show resnet152 --freeze paper --classes 10',
    'models show alexnet --freeze from:8',
    "models show 'alexnet?dense=512&dropout=0'",
  ]).action(async (name: string, options: ShowOptions) => {
    const { freeze, classes, init, optimizer, json } = options;
    const model = await modelNamed(name);
    const inputSize = options.inputSize ?? model.inputSize;
    const policy = parseFreeze(freeze);
    const document = await ledger({ model, freeze: policy, classes, inputSize, init, optimizer }).catch((error) => {
      throw tooSmall(error, name, inputSize);
    });
    const { title, family, options: settings = {} } = model;
    const info = describeArchitecture(model.architecture, inputSize, classes, init);
    const atRandom = init === 'random' ? [] : resizedLayers(model, info, inputSize);
    const about = { model: model.name, title, family, freeze, classes, inputSize, init };
    if (json) return printJson({ ...about, options: settings, startAtRandom: atRandom, optimizer, ...document });
    return print(
      [
        ...heading(about),
        ...settingLines(settings, atRandom),
        '',
        layers(document.layers),
        '',
        totals(document, optimizer),
      ].join('\n'),
    );
  });
}

/** A map that shrinks to nothing is the user's doing; anything else stays what it is. */
function tooSmall(error: unknown, name: string, inputSize: number): unknown {
  if (!(error instanceof Error) || !/does not fit|is smaller|no output|≤ 0|negative/i.test(error.message)) return error;
  return inputError(`${name} cannot take images of ${inputSize} × ${inputSize} pixels`, {
    hint: `Give a larger --input-size. (${error.message})`,
    cause: error,
  });
}

function heading(
  about: Record<'title' | 'model' | 'freeze' | 'init', string> & { classes: number; inputSize: number },
) {
  const { model, title, freeze, init, classes, inputSize } = about;
  return [
    `${model}: ${title}`,
    `${inputSize} × ${inputSize} pixels, ${classes} classes, freeze ${freeze}, init ${init}`,
  ];
}

function settingLines(settings: object, atRandom: readonly string[]): string[] {
  const set = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  return [
    ...(set.length > 0 ? [`options: ${set.join(' ')}`] : []),
    ...(atRandom.length > 0
      ? [`start at random, like the head, since an option resizes them: ${atRandom.join(', ')}`]
      : []),
  ];
}

const count = (value: number) => value.toLocaleString('en');

function layers(rows: readonly LedgerLayer[]): string {
  const right = 'right' as const;
  const columns = [
    { title: 'layer' },
    { title: 'kind' },
    { title: 'output' },
    { title: 'parameters', align: right },
    { title: 'state' },
    { title: 'multiply-adds', align: right },
  ];
  const state = ({ size, trained }: LedgerLayer) => {
    if (size === 0) return '';
    if (trained === 0) return 'frozen';
    return trained === size ? 'trained' : `${count(trained)} trained`;
  };
  return textTable(
    columns,
    rows.map((row) => [
      row.name,
      row.kind,
      row.output.join(' × '),
      count(row.size),
      state(row),
      row.multiplyAdds === 0 ? '' : count(row.multiplyAdds),
    ]),
  );
}

function totals({ parameters, statistics, flops, activationBytes, ...bytes }: Ledger, optimizer: string): string {
  const giga = (value: number) => `${(value / 1e9).toFixed(2)} GFLOP`;
  const share = (part: number) => `${((100 * part) / parameters.total).toFixed(2)} %`;
  return textTable(
    [{ title: 'total' }, { title: '', align: 'right' }, { title: '' }],
    [
      ['parameters', count(parameters.total), formatBytes(4 * parameters.total)],
      ['  trained', count(parameters.trained), share(parameters.trained)],
      ['  frozen', count(parameters.frozen), share(parameters.frozen)],
      ['running statistics that change', count(statistics), ''],
      ['forward pass, per image', giga(flops.forward), 'convolutions and matrix products, 2 per multiply-add'],
      ['training step, per image', giga(flops.step), 'forward, backward and update, counted in the step graph'],
      [
        'kept for the backward pass, per image',
        formatBytes(activationBytes.kept),
        'values of the forward pass that the backward pass reads',
      ],
      [
        'evaluation, per image',
        formatBytes(activationBytes.evaluation),
        'the most that is alive at once, without workspace',
      ],
      [`state of ${optimizer}`, formatBytes(bytes.optimizerBytes), ''],
      ['checkpoint', formatBytes(bytes.checkpointBytes), 'trained parameters and running statistics'],
    ],
  );
}
