// Published results: reading, faults, evidence and comparison, on files made up here.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TriggerlabError } from '../../core/errors.ts';
import type { Observation } from '../observations.ts';
import { compare } from './compare.ts';
import { countFaults, evidenceOf } from './evidence.ts';
import { findMapping, parseConstant } from './mapping.ts';
import { readExternalCsv } from './read-csv.ts';
import type { ExternalRun } from './record.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'triggerlab-external-'));
});
afterAll(() => rm(directory, { recursive: true }));

async function file(text: string, name = 'results.csv'): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, text);
  return path;
}

const faultsOf = (runs: readonly ExternalRun[]) => runs.map((run) => run.faults.join());

const SOK = 'id,dataset,model,epsilon,target_label,seed,train_acc,clean_acc,bk_acc';

describe('readExternalCsv', () => {
  it('recognises the SoK authors’ columns and puts them into our words', async () => {
    const path = await file(`${SOK}\na,CIFAR10,vgg,0.02,0,3,0.99,0.93,0.7\nb,CIFAR10,resnet,0.005,0,3,0.98,0.94,0.3\n`);
    const { mapping, runs } = readExternalCsv(path, 'theirs', undefined, { attack: 'ssba' });
    expect(mapping).toBe('sok-attack');
    expect(runs[0]).toMatchObject({ kind: 'attack', line: 2, faults: [] });
    expect(runs[0].values).toMatchObject({ model: 'vgg19_bn', attack: 'ssba', poisonRate: 0.02, seed: '3', asr: 0.7 });
    const { attacks } = evidenceOf(runs);
    expect(attacks[1]).toMatchObject({ id: 'theirs:b', block: '3', asr: 0.3, attackedImages: 10_000 });
  });

  it('recognises BackdoorBench’s leaderboard; rows without a result are flagged', async () => {
    const path = await file(
      ',dataset,backbone,attack_name,defense_name,ratio,test_acc,test_asr,test_ra\n' +
        '0,cifar10,preactresnet18,badnet,no defense,0.1,0.91,0.95,0.04\n' +
        '1,cifar10,preactresnet18,badnet,ft,0.1,0.90,0.05,0.85\n' +
        '2,cifar10,preactresnet18,blind,no defense,0.1,,,\n',
    );
    const { mapping, runs } = readExternalCsv(path, 'board');
    expect(mapping).toBe('backdoorbench');
    expect(faultsOf(runs)).toEqual(['', '', 'no-result']);
    expect(evidenceOf(runs).attacks.map((one) => one.factors.attack)).toEqual(['badnets']);
  });

  it('takes a mapping of one’s own', async () => {
    const yaml = await file(
      'name: mine\ncolumns:\n  model: {column: net, values: {r18: resnet18}}\n  asr: {column: ASR, scale: percent}\nconstants: {attack: wanet, dataset: cifar10}\n',
      'mine.yaml',
    );
    const path = await file('net,ASR\nr18,98.5\nvgg,3\n');
    const { runs } = readExternalCsv(path, 'mine', findMapping(yaml));
    expect(runs[0].values).toEqual({ attack: 'wanet', dataset: 'cifar10', model: 'resnet18', asr: 0.985 });
    const bad = await file('net,success\nr18,98.5\n');
    expect(() => readExternalCsv(bad, 'mine', findMapping(yaml))).toThrow(/no column "ASR"/);
  });

  it('refuses what it does not understand, with file and line', async () => {
    const refused = async (text: string, pattern: RegExp, name?: string) => {
      const path = await file(text, name);
      expect(() => readExternalCsv(path, 'x')).toThrow(pattern);
    };
    await refused('', /no rows/);
    await refused('a,b\n1,2\n', /no mapping fits/);
    await refused(`${SOK}\na,CIFAR10,vgg,2,0,3,0.99,0.93,0.7\n`, /line 2: "2" is no value of poisonRate/);
    await refused(`${SOK}\na,CIFAR10,vgg,0.02,0,3,0.99,0.93,high\n`, /line 2: "high" is no value of asr/);
    await refused(`${SOK}\na,CIFAR10\n`, /no CSV file/);
    expect(() => readExternalCsv(directory, 'x')).toThrow(/not a file/);
    expect(() => readExternalCsv(join(directory, 'none.csv'), 'x')).toThrow(/cannot be read/);
    for (const text of [
      'name: x',
      '[1]',
      'name: x\ncolumns: {asr: a}\nextra: 1',
      'a: &a [*a]',
      'columns: {as: b}\nname: x',
    ]) {
      const path = await file(text, 'bad.yaml');
      expect(() => findMapping(path)).toThrow(TriggerlabError);
    }
    expect(() => findMapping('sok-atack')).toThrow(/unknown mapping/);
    expect(() => parseConstant('atack=x')).toThrow(/expected field=value/);
    expect(parseConstant('poisonRate=2%')).toEqual(['poisonRate', 0.02]);
  });

  it('never fails in another way, whatever the bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.string({ unit: 'binary' })), async (text) => {
        const path = await file(`${SOK}\n${text}`, 'fuzz.csv');
        try {
          readExternalCsv(path, 'x');
        } catch (error) {
          expect(error).toBeInstanceOf(TriggerlabError);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('faults', () => {
  it('ASR equal to accuracy in every row of a dataset, near-chance accuracy, shares above 1', async () => {
    const row = (dataset: string, seed: number, train: number, clean: number, asr: number) =>
      `${dataset}${seed},${dataset},vgg,0.02,0,${seed},${train},${clean},${asr}`;
    const rows = [
      ...[0.68, 0.69, 0.7].map((share, seed) => row('TinyImageNet', seed, 0.9, share, share)),
      row('CIFAR10', 0, 0.9, 0.93, 0.93),
      row('CIFAR10', 1, 1.00002, 0.93, 0.7),
      row('CIFAR10', 2, 0.9, 0.12, 0.1),
    ];
    const { runs } = readExternalCsv(await file(`${SOK}\n${rows.join('\n')}\n`), 'x', undefined, { attack: 'wanet' });
    const equal = 'asr-equals-accuracy';
    expect(faultsOf(runs)).toEqual([equal, equal, equal, '', 'share-above-one', 'near-chance']);
    expect(evidenceOf(runs)).toMatchObject({ unusable: 4 });
    expect(evidenceOf(runs).attacks).toHaveLength(2);
    expect(countFaults(runs)[0]).toMatchObject({ code: equal, rows: 3, unusable: true });
  });

  it('pruned equal to fine-pruned', async () => {
    const header =
      'id,dataset,model,pruning_rate,seed,clean_acc,bk_acc,pruned_clean_acc,pruned_bk_acc,fine-pruned_clean_acc,fine-pruned_bk_acc';
    const row = (rate: number, pruned: number, after: number) =>
      `r${rate},CIFAR10,vgg,${rate},0,0.9,0.7,0.8,${pruned},0.9,${after}`;
    const equal = [row(0, 0.1, 0.1), row(0.3, 0.12, 0.12), row(0.6, 0.11, 0.11)];
    const differ = [...equal, row(0.9, 0.5, 0.1)];
    const read = async (rows: string[]) => readExternalCsv(await file(`${header}\n${rows.join('\n')}\n`), 'x').runs;
    expect((await read(equal)).every((run) => run.faults.includes('pruned-equals-fine-pruned'))).toBe(true);
    expect((await read(differ)).every((run) => run.faults.length === 0)).toBe(true);
    expect(evidenceOf(await read(equal)).defences[1]).toMatchObject({
      pruningRate: 0.3,
      asrAfter: 0.12,
      model: 'vgg19_bn',
    });
  });

  it('spurious second rows and verdicts that rest on nothing finite', async () => {
    const header = 'id,attack_id,dataset,model,is_bk,seed,flag_list,list_mad';
    const rows = [
      'a,x,CIFAR10,alexnet,True,2,"[(0, tensor(8.4))]","[(0, tensor(7.3))]"',
      'a,x,CIFAR10,alexnet,False,2,[],[]',
      'b,x,CIFAR10,googlenet,False,2,[],[]',
      'c,x,CIFAR10,vgg,True,2,[],[]',
      'd,x,CIFAR10,resnet,True,2,"[(0, tensor(17.5))]","[(0, tensor(inf))]"',
    ];
    const { runs } = readExternalCsv(await file(`${header}\n${rows.join('\n')}\n`), 'x');
    expect(faultsOf(runs)).toEqual(['', 'spurious-row', '', 'nan-verdict', 'nan-verdict']);
    expect(evidenceOf(runs).defences.map((one) => one.detected)).toEqual([true, false]);
  });
});

describe('compare', () => {
  const one = (factors: object, block: number, asr: number): Observation => ({
    ...{ id: `${block}`, block: String(block), cad: null, cleanAccuracy: null, attackedImages: null },
    factors: { ...factors },
    asr,
  });
  const theirs = [0.7, 0.72, 0.74].map((asr, seed) =>
    one({ dataset: 'CIFAR10', model: 'resnet152', attack: 'ssba', poisonRate: 0.02 }, seed, asr),
  );
  const ours = [0.8, 0.83, 0.86].flatMap((asr, seed) =>
    [1, 2].map((size) =>
      one({ dataset: 'cifar10', model: 'resnet-mini', attack: 'ssba', poisonRate: 0.02, size }, seed, asr),
    ),
  );

  it('sets settings side by side with Welch’s interval, and says what it averages over', () => {
    expect(compare(ours, theirs, 'model').comparisons).toEqual([]);
    const { comparisons, averaged } = compare(ours, theirs, 'family');
    expect(averaged).toEqual(['size']);
    expect(comparisons).toHaveLength(1);
    const [{ difference, interval, setting }] = comparisons;
    expect(setting).toMatchObject({ dataset: 'cifar10', model: 'resnet' });
    expect(difference).toBeCloseTo(0.11, 10);
    // scipy: sd 0.0268 (n 6) and 0.02 (n 3), Welch's df 5.48, t(5) = 2.5706.
    expect(interval?.low).toBeCloseTo(0.11 - 2.570582 * Math.sqrt(0.00072 / 6 + 0.0004 / 3), 5);
  });
});
