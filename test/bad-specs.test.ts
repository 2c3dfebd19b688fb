// Mistakes people make in specs: each is refused with its place and a message that helps, and nothing is done.
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TriggerlabError } from '../src/core/errors.ts';
import { loadExperiment, parseExperiment } from '../src/spec/parse.ts';
import { planExperiment } from '../src/spec/plan.ts';
import { testCatalog } from './support/spec-catalog.ts';

/** Three good lines to put faulty ones after: they begin at line 4. */
const head = 'name: t\ndataset: digits\nmodel: resnet-mini\n';
const clean = `${head}attack: none\n`;
const patch = (fields: string) => `${head}attack: {type: badnets, ${fields}}\n`;

interface Mistake {
  readonly name: string;
  readonly text: string;
  /** Line and column, `5:3`; undefined where a fault has no place. */
  readonly at?: string;
  /** Parts of the message and its hint. */
  readonly says: readonly string[];
}

const mistakes: readonly Mistake[] = [
  // Text that is no spec.
  { name: 'empty file', text: '', says: ['is empty'] },
  { name: 'comments only', text: '# name: t\n', says: ['is empty'] },
  { name: 'top level is a list', text: '- name: t\n', at: '1:1', says: ['expected a map', 'found a list'] },
  { name: 'top level is text', text: 'hello\n', at: '1:1', says: ['expected a map', 'found a single value'] },
  { name: 'unclosed bracket', text: `${head}attack: [none\n`, at: '5:1', says: ['not valid YAML'] },
  { name: 'tab as indentation', text: `${clean}training:\n\tepochs: 5\n`, at: '6:1', says: ['tab', 'spaces'] },
  { name: 'two documents', text: `${clean}---\nname: u\n`, at: '5:1', says: ['second document'] },
  {
    name: 'the same key twice',
    text: `${clean}model: alexnet-mini\n`,
    at: '5:1',
    says: ['"model" is given twice', '[a, b]'],
  },
  { name: 'alias without an anchor', text: `${clean}seed: *seeds\n`, at: '5:7', says: ['*seeds', 'no anchor'] },
  {
    name: 'alias inside its own anchor',
    text: `${clean}seed: &s [1, *s]\n`,
    at: '5:14',
    says: ['*s', 'inside its own anchor'],
  },
  {
    name: 'YAML bomb',
    text: `a: &a [x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b]\nd: [*c, *c, *c, *c, *c]\n`,
    says: ['aliases expand to too much'],
  },
  { name: 'endless nesting', text: `seed: ${'['.repeat(100_000)}`, says: ['nested more than 50 levels'] },
  {
    name: 'a tag that runs code',
    text: `${clean}seed: !!js/function 'x'\n`,
    at: '5:7',
    says: ['not valid YAML', 'tag'],
  },
  { name: 'another YAML version', text: `%YAML 1.1\n---\n${clean}`, at: '1:1', says: ['expected YAML 1.2'] },
  { name: 'a key that is a list', text: `${clean}[1, 2]: 3\n`, at: '5:1', says: ['expected a field name'] },
  {
    name: 'a key that is no field but a prototype',
    text: `${clean}__proto__: {seed: 1}\n`,
    at: '5:1',
    says: ['expected a field name'],
  },
  // Keys.
  { name: 'unknown key', text: `${clean}sed: 1\n`, at: '5:1', says: ['unknown key "sed"', 'Did you mean "seed"?'] },
  {
    name: 'unknown key in training',
    text: `${clean}training:\n  epoch: 5\n`,
    at: '6:3',
    says: ['unknown key "epoch" in training', '"epochs"'],
  },
  {
    name: 'unknown key in an attack',
    text: patch('size: 0.1, colour: white, poisonRate: 0.1'),
    at: '4:36',
    says: ['unknown key "colour" in attack', '"color"'],
  },
  {
    name: 'parameter of another attack',
    text: patch('size: 0.1, strength: 2, poisonRate: 0.1'),
    at: '4:36',
    says: ['unknown key "strength"', 'Known: type, size'],
  },
  {
    name: 'a parameter at the top level',
    text: `${clean}size: 0.1\n`,
    at: '5:1',
    says: ['unknown key "size"', 'belongs under "attack:"'],
  },
  {
    name: 'a top-level field in an attack',
    text: patch('size: 0.1, poisonRate: 0.1, seed: 1'),
    at: '4:53',
    says: ['unknown key "seed" in attack', 'top level'],
  },
  {
    name: 'missing name',
    text: 'dataset: digits\nmodel: resnet-mini\nattack: none\n',
    at: '1:1',
    says: ['name is missing'],
  },
  {
    name: 'missing dataset',
    text: 'name: t\nmodel: resnet-mini\nattack: none\n',
    at: '1:1',
    says: ['dataset is missing', 'digits, scenes'],
  },
  { name: 'missing attack', text: head, at: '1:1', says: ['attack is missing', 'attack: none'] },
  {
    name: 'attack without a type',
    text: `${head}attack: {size: 0.1}\n`,
    at: '4:9',
    says: ['attack.type is missing', 'type: badnets'],
  },
  {
    name: 'missing parameter',
    text: patch('poisonRate: 0.1'),
    at: '4:9',
    says: ['size of badnets is missing', 'triggers show badnets'],
  },
  { name: 'missing poisoning rate', text: patch('size: 0.1'), at: '4:9', says: ['poisonRate is missing'] },
  // Names.
  {
    name: 'name with capitals',
    text: clean.replace('name: t', 'name: My Experiment'),
    at: '1:7',
    says: ['name: expected lower-case letters'],
  },
  {
    name: 'name that is a path',
    text: clean.replace('name: t', 'name: ../t'),
    at: '1:7',
    says: ['name: expected lower-case letters'],
  },
  {
    name: 'unknown model',
    text: clean.replace('resnet-mini', 'resnet-mni'),
    at: '3:8',
    says: ['one of resnet-mini', 'found "resnet-mni"', 'Did you mean "resnet-mini"?'],
  },
  {
    name: 'unknown model in a list',
    text: clean.replace('resnet-mini', '[resnet-mini, alexnet]'),
    at: '3:22',
    says: ['model[1]', 'found "alexnet"'],
  },
  { name: 'unknown dataset', text: clean.replace('digits', 'digit'), at: '2:10', says: ['Did you mean "digits"?'] },
  {
    name: 'unknown trigger',
    text: `${head}attack:\n- type: badnet\n`,
    at: '5:9',
    says: ['attack[0].type', 'Did you mean "badnets"?'],
  },
  { name: 'unknown preset', text: `${clean}preset: paper-txt\n`, at: '5:9', says: ['Did you mean "paper-text"?'] },
  {
    name: 'unknown position',
    text: patch('size: 0.1, poisonRate: 0.1, position: center-left'),
    at: '4:63',
    says: ['attack.position', 'top-left', 'found "center-left"'],
  },
  {
    name: 'unknown colour',
    text: patch('size: 0.1, poisonRate: 0.1, color: wite'),
    at: '4:60',
    says: ['attack.color', 'found "wite"', 'Did you mean "white"?'],
  },
  {
    name: 'unknown optimiser',
    text: `${clean}training: {optimizer: adamm}\n`,
    at: '5:23',
    says: ['adam, sgd', 'Did you mean "adam"?'],
  },
  {
    name: 'unknown freeze policy',
    text: `${clean}freeze: papr\n`,
    at: '5:9',
    says: ['unknown freeze policy "papr"', '"paper"'],
  },
  {
    name: 'a freeze boundary beyond the network',
    text: `${clean}freeze: from:999\n`,
    at: '5:9',
    says: ['trains nothing'],
  },
  // Values.
  {
    name: 'size 0',
    text: patch('size: 0, poisonRate: 0.1'),
    at: '4:31',
    says: ['attack.size: expected a number above 0, found 0'],
  },
  {
    name: 'size above 1',
    text: patch('size: 8, poisonRate: 0.1'),
    at: '4:31',
    says: ['at most 1, found 8', '8 % is 0.08'],
  },
  {
    name: 'size as a percentage',
    text: patch('size: [0.1, 8 %], poisonRate: 0.1'),
    at: '4:37',
    says: ['attack.size[1]', 'found "8 %"', '0.08'],
  },
  {
    name: 'rate above 1',
    text: patch('size: 0.1, poisonRate: 1.5'),
    at: '4:48',
    says: ['attack.poisonRate', 'at most 1, found 1.5'],
  },
  {
    name: 'rate 0',
    text: patch('size: 0.1, poisonRate: [0, 0.1]'),
    at: '4:49',
    says: ['above 0, found 0', 'clean twin', 'attack: none'],
  },
  { name: 'negative rate', text: patch('size: 0.1, poisonRate: -0.1'), at: '4:48', says: ['above 0, found -0.1'] },
  {
    name: 'broken epochs',
    text: `${clean}training: {epochs: 2.5}\n`,
    at: '5:20',
    says: ['expected a whole number, found 2.5'],
  },
  { name: 'no epochs', text: `${clean}training: {epochs: 0}\n`, at: '5:20', says: ['at least 1, found 0'] },
  {
    name: 'too many epochs',
    text: `${clean}training: {epochs: 1001}\n`,
    at: '5:20',
    says: ['at most 1000, found 1001'],
  },
  { name: 'batch too large', text: `${clean}training: {batchSize: 5000}\n`, at: '5:23', says: ['at most 4096'] },
  { name: 'learning rate 0', text: `${clean}training: {learningRate: 0}\n`, at: '5:26', says: ['above 0, found 0'] },
  {
    name: 'number written as text',
    text: `${clean}training: {learningRate: '0.01'}\n`,
    at: '5:26',
    says: ['expected a number, found "0.01"'],
  },
  { name: 'not a number', text: `${clean}seed: .nan\n`, at: '5:7', says: ['found NaN'] },
  {
    name: 'infinite learning rate',
    text: `${clean}training: {learningRate: .inf}\n`,
    at: '5:26',
    says: ['found Infinity'],
  },
  { name: 'negative seed', text: `${clean}seed: -1\n`, at: '5:7', says: ['at least 0, found -1'] },
  { name: 'seed beyond 31 bits', text: `${clean}seed: 2147483648\n`, at: '5:7', says: ['at most 2147483647'] },
  { name: 'input too small', text: `${clean}inputSize: 4\n`, at: '5:12', says: ['at least 8, found 4'] },
  {
    name: 'class that is not there',
    text: patch('size: 0.1, poisonRate: 0.1, target: [0, 10]'),
    at: '4:65',
    says: ['class 10 does not exist', '0 to 9'],
  },
  {
    name: 'colour level above 255',
    text: patch('size: 0.1, poisonRate: 0.1, color: [255, 0, 300]'),
    at: '4:69',
    says: ['attack.color[2]', 'at most 255, found 300'],
  },
  {
    name: 'unquoted #rrggbb',
    text: `${head}attack:\n  type: badnets\n  size: 0.1\n  poisonRate: 0.1\n  color: #ff0000\n`,
    at: '8:3',
    says: ['attack.color', 'found nothing', 'quoted'],
  },
  {
    name: 'half a position',
    text: patch('size: 0.1, poisonRate: 0.1, position: {top: 3}'),
    at: '4:63',
    says: ['attack.position', 'left'],
  },
  {
    name: 'patch outside the image',
    text: patch('size: 0.1, poisonRate: 0.1, position: {top: 40, left: 0}'),
    at: '4:9',
    says: ['28'],
  },
  { name: 'empty value', text: `${clean}seed:\n`, at: '5:1', says: ['seed', 'found nothing', 'empty'] },
  { name: 'empty list', text: `${clean}seed: []\n`, at: '5:7', says: ['at least one value'] },
  {
    name: 'the same level twice',
    text: `${clean}seed: [1, 2, 1]\n`,
    at: '5:14',
    says: ['seed[2]', '1 is listed twice'],
  },
  {
    name: 'the same colour in two spellings',
    text: patch('size: 0.1, poisonRate: 0.1, color: [white, "#ffffff"]'),
    at: '4:68',
    says: ['listed twice'],
  },
  { name: 'map for a value', text: `${clean}seed: {from: 0}\n`, at: '5:7', says: ['expected a number, found a map'] },
  { name: 'list for a map', text: `${clean}training: [5]\n`, at: '5:11', says: ['expected a map'] },
  { name: 'attack that is a number', text: `${head}attack: 5\n`, at: '4:9', says: ['attack: expected a map, found 5'] },
  {
    name: 'list of attack types',
    text: `${head}attack: {type: [badnets, warp]}\n`,
    at: '4:16',
    says: ['one attack type', 'list of blocks'],
  },
  {
    name: 'seed and repeats',
    text: `${clean}seed: 1\nrepeats: 5\n`,
    at: '6:10',
    says: ['seed and repeats are both given', 'keep one'],
  },
  {
    name: 'model without weights',
    text: clean.replace('resnet-mini', 'untrained'),
    at: '3:8',
    says: ['no pretrained weights', 'init: random'],
  },
  // Rules.
  {
    name: 'exclude that is a map',
    text: `${clean}exclude: {seed: 0}\n`,
    at: '5:10',
    says: ['exclude: expected a list, found a map'],
  },
  {
    name: 'exclude with an unknown field',
    text: `${clean}exclude:\n- {modl: resnet-mini}\n`,
    at: '6:4',
    says: ['unknown field "modl"', 'Did you mean "model"?'],
  },
  {
    name: 'exclude with a value the field cannot have',
    text: `${clean}exclude:\n- {model: resnet}\n`,
    at: '6:11',
    says: ['model: expected one of', 'found "resnet"'],
  },
  {
    name: 'exclude with a value that does not occur',
    text: `${clean}exclude:\n- {model: alexnet-mini}\n`,
    at: '6:11',
    says: ['no run has model "alexnet-mini"', 'Its values here: "resnet-mini"'],
  },
  {
    name: 'exclude of what never occurs together',
    text: `${patch('size: [0.1, 0.2], poisonRate: 0.1')}exclude:\n- {size: 0.1}\n- {size: 0.2, color: white, seed: [0]}\n- {color: white}\n`,
    at: '7:3',
    says: ['leaves no run'],
  },
  { name: 'exclude of everything', text: `${clean}exclude: [{seed: 0}]\n`, at: '5:11', says: ['leaves no run at all'] },
  {
    name: 'exclude by a parameter no attack has',
    text: `${patch('size: 0.1, poisonRate: 0.1')}exclude: [{strength: 1}]\n`,
    at: '5:12',
    says: ['no attack of this spec has the parameter "strength"'],
  },
  { name: 'empty exclude rule', text: `${clean}exclude: [{}]\n`, at: '5:11', says: ['at least one field'] },
  { name: 'when without then', text: `${clean}when:\n- if: {seed: 0}\n`, at: '6:3', says: ['when[0].then is missing'] },
  {
    name: 'when with a misspelt then',
    text: `${clean}when:\n- if: {seed: 0}\n  than: {seed: 1}\n`,
    at: '7:3',
    says: ['unknown key "than" in when[0]', 'Did you mean "then"?'],
  },
  {
    name: 'when that never matches',
    text: `${clean}when:\n- if: {seed: 4}\n  then: {seed: 1}\n`,
    at: '6:14',
    says: ['no run has seed 4'],
  },
  {
    name: 'when that sets a bad value',
    text: `${clean}when:\n- if: {seed: 0}\n  then: {training.epochs: 0}\n`,
    at: '7:27',
    says: ['training.epochs', 'at least 1, found 0'],
  },
  {
    name: 'when that changes the attack',
    text: `${clean}when:\n- if: {seed: 0}\n  then: {attack: badnets}\n`,
    at: '7:10',
    says: ['then cannot set attack.type', 'one attack block per type'],
  },
  // Defences.
  { name: 'unknown defence', text: `${clean}defenses: mned\n`, at: '5:11', says: ['defenses', 'Did you mean "mend"?'] },
  { name: 'no defences at all', text: `${clean}defenses: []\n`, at: '5:11', says: ['at least one defence'] },
  {
    name: 'misspelled key of defences',
    text: `${clean}defences: mend\n`,
    at: '5:1',
    says: ['unknown key "defences"', '"defenses"'],
  },
  {
    name: 'unknown parameter of a defence',
    text: `${clean}defenses: [none, {type: mend, rat: 0.5}]\n`,
    at: '5:31',
    says: ['unknown key "rat" in defenses[1]', '"rate"'],
  },
  {
    name: 'a rate of a defence above one',
    text: `${clean}defenses: [{type: mend, rate: [0.5, 30]}]\n`,
    at: '5:37',
    says: ['defenses[0].rate', 'at most 1', '30 % is 0.3'],
  },
  {
    name: 'a list of defence types in one block',
    text: `${clean}defenses: {type: [mend, sift]}\n`,
    at: '5:18',
    says: ['one defence type', 'a list of blocks'],
  },
  {
    name: 'when that sets a parameter of no defence here',
    text: `${clean}when: [{if: {model: resnet-mini}, then: {defense: {rate: 0.5}}}]\n`,
    at: '5:52',
    says: ['no defence of this spec has the parameter'],
  },
  {
    name: 'poisoned rows to be found where there are none that stay',
    text: `${patch('size: 0.1, poisonRate: 0.1, poisonSet: per-batch')}defenses: sift\n`,
    at: '5:11',
    says: ['sift looks for poisoned rows', 'poisonSet: fixed'],
  },
  {
    name: 'weights kept of half the runs',
    text: `${clean}keepWeights: some\n`,
    at: '5:14',
    says: ['none, failed, all'],
  },
  // Size.
  {
    name: 'a million runs',
    text: `${clean}repeats: 100000\ntraining: {epochs: [1, 2], batchSize: [1, 2, 3, 4, 5]}\n`,
    at: '4:9',
    says: ['1,000,000 runs', 'training.epochs 2', 'seed 100000', '100,000'],
  },
  {
    name: 'more repeats than there may be',
    text: `${clean}repeats: 1e12\n`,
    at: '5:10',
    says: ['repeats', 'at most 100000'],
  },
];

function refusal(run: () => unknown): TriggerlabError {
  try {
    run();
  } catch (error) {
    if (error instanceof TriggerlabError) return error;
    throw error;
  }
  throw new Error('was accepted');
}

describe('a spec is refused', () => {
  test.each(mistakes)('$name', ({ text, at, says }) => {
    const options = { catalog: testCatalog };
    const error = refusal(() => planExperiment(parseExperiment(text, 'bad.yaml', options), testCatalog));
    expect(error.kind).toBe('input');
    const told = `${error.message}\n${error.hint ?? ''}`;
    for (const words of says) expect(told).toContain(words);
    expect(/^bad\.yaml:(\d+:\d+): /.exec(error.message)?.[1]).toBe(at);
    expect(told.length).toBeLessThan(500);
  });

  test('there are enough of them', () => expect(mistakes.length).toBeGreaterThan(25));
});

describe('a file is refused', () => {
  const folder = mkdtempSync(join(tmpdir(), 'triggerlab-specs-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string, data: string | Uint8Array) => {
    const path = join(folder, name);
    writeFileSync(path, data);
    return path;
  };
  const message = (path: string) => refusal(() => loadExperiment(path, { catalog: testCatalog })).message;

  test('missing', () => expect(message(join(folder, 'none.yaml'))).toMatch(/none\.yaml: no such file/));
  test('a directory', () => expect(message(folder)).toMatch(/is a directory/));
  test('below a file', () => expect(message(join(file('f', ''), 'x.yaml'))).toMatch(/cannot be read/));
  test('a device', () => expect(message('/dev/null')).toMatch(/not a regular file/));
  test('binary', () =>
    expect(message(file('b.yaml', Uint8Array.of(0x89, 0x50, 0xff, 0xfe, 0)))).toMatch(/is not text/));
  test('text with zero bytes', () => expect(message(file('z.yaml', 'name: t\0'))).toMatch(/is not text/));
  test('over 1 MB', () => expect(message(file('large.yaml', `# ${'x'.repeat(1_000_000)}`))).toMatch(/1000002 bytes/));
  test.skipIf(process.getuid?.() === 0)('no permission', () => {
    const path = file('secret.yaml', clean);
    chmodSync(path, 0);
    expect(message(path)).toMatch(/no permission to read/);
  });
  test('a byte order mark and Windows line ends are no fault', () => {
    const path = file('windows.yaml', `\uFEFF${clean.replaceAll('\n', '\r\n')}`);
    expect(loadExperiment(path, { catalog: testCatalog }).name).toBe('t');
  });
});

describe('the command line', () => {
  const main = resolve('dist/cli/main.js');
  const folder = mkdtempSync(join(tmpdir(), 'triggerlab-cli-'));
  const home = join(folder, 'work');
  const spec = join(folder, 'spec.yaml');
  beforeAll(() => {
    mkdirSync(home);
    if (!existsSync(main)) execFileSync('npm', ['run', '--silent', 'build']);
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const triggerlab = (...args: string[]) =>
    spawnSync(process.execPath, [main, ...args], { cwd: home, encoding: 'utf8' });
  const good = 'name: t\ndataset: mnist10k\nmodel: resnet-mini\ninit: random\nattack: none\n';

  test.each([
    ['unknown key', `${good}sed: 1\n`, /^error: \S+spec\.yaml:6:1: unknown key "sed"\n {2}Did you mean "seed"\?\n$/],
    [
      'size 0',
      good.replace('none', '{type: badnets, size: 0}'),
      /^error: \S+spec\.yaml:5:31: attack\.size: expected .* found 0\n$/,
    ],
    [
      'unknown model',
      good.replace('resnet', 'resnt'),
      /^error: \S+:3:8: model: .* found "resnt-mini"\n {2}Did you mean "resnet-mini"\?\n$/,
    ],
    [
      'YAML bomb',
      'a: &a [x, x]\nb: &b [*a, *a, *a]\nc: [*b, *b, *b, *b, *b, *b, *b]\n',
      /^error: .*aliases expand to too much\n.*\n$/,
    ],
    ['deep nesting', '['.repeat(300_000), /^error: .*nested more than 50 levels deep\n.*\n$/],
    ['binary', '\0\x01\x02', /^error: .*is not text\n.*\n$/],
  ])('%s: exit 2, one message on stderr, nothing on stdout, nothing written', (_, text, message) => {
    writeFileSync(spec, text);
    const { status, stdout, stderr } = triggerlab('plan', spec);
    expect(stderr).toMatch(message);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(readdirSync(home)).toEqual([]);
  });

  test('a directory', () => {
    const { status, stdout, stderr } = triggerlab('plan', folder);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/is a directory/);
  });

  test('--json tells the error on stdout as one document', () => {
    writeFileSync(spec, `${good}sed: 1\n`);
    const { status, stdout } = triggerlab('plan', spec, '--json');
    expect(status).toBe(2);
    expect(JSON.parse(stdout)).toEqual({
      schemaVersion: 1,
      error: { kind: 'input', message: `${spec}:6:1: unknown key "sed"`, hint: 'Did you mean "seed"?' },
    });
  });

  test('--set is named as the place', () => {
    writeFileSync(spec, good);
    const { status, stderr } = triggerlab('plan', spec, '--set', 'training.epochs=0');
    expect(status).toBe(2);
    expect(stderr).toBe('error: --set training.epochs=0: training.epochs: expected a number at least 1, found 0\n');
  });

  test.each([
    [['plna', 'x'], /unknown command 'plna'\n {2}Did you mean plan\?/],
    [['plan'], /missing required argument 'spec'/],
    [['plan', 'x', '--jsn'], /unknown option '--jsn'\n {2}Did you mean --json\?/],
    [['plan', 'x', 'y'], /too many arguments/],
    [['triggers', 'show', 'badnet'], /unknown trigger "badnet"\n {2}Did you mean "badnets"\?/],
  ])('usage: %j', (args, message) => {
    const { status, stdout, stderr } = triggerlab(...args);
    expect(stderr).toMatch(message);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });

  test('a good spec: exit 0, the plan on stdout, nothing on stderr, nothing written', () => {
    writeFileSync(spec, good);
    const { status, stdout, stderr } = triggerlab('plan', spec, '--json');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ schemaVersion: 1, name: 't', cleanRuns: 1, poisonedRuns: 0 });
    expect(readdirSync(home)).toEqual([]);
  });
});
