import { expect, it } from 'vitest';
import { datasetFingerprint } from './fingerprint.ts';
import { findDataset } from './references.ts';
import { datasets } from './registry.ts';

it('every dataset has as many images as its classes together', () => {
  for (const { name, classes, classCounts, trainCount, testCount } of datasets.all) {
    const sum = (counts: readonly number[]) => counts.reduce((all, count) => all + count, 0);
    expect([name, sum(classCounts.train), sum(classCounts.test)]).toEqual([name, trainCount, testCount]);
    expect([classCounts.train.length, classCounts.test.length]).toEqual([classes.length, classes.length]);
    expect(new Set(classes).size).toBe(classes.length);
  }
});

it.each([
  ['mnist', 28, 1, 10, 60_000, 10_000],
  ['fashion-mnist', 28, 1, 10, 60_000, 10_000],
  ['cifar10', 32, 3, 10, 50_000, 10_000],
  ['cifar100', 32, 3, 100, 50_000, 10_000],
  ['tiny-imagenet', 64, 3, 200, 100_000, 10_000],
  ['gtsrb', 32, 3, 43, 39_209, 12_630],
])(
  '%s is known before it is here, as what it is when it was published',
  async (name, side, channels, classes, train, test) => {
    const found = await findDataset(name);
    expect(found).toMatchObject({ height: side, width: side, channels, trainCount: train, testCount: test });
    expect(found.classes).toHaveLength(classes);
    expect(found.fingerprint).toMatch(/^[0-9a-f]{64}$/);
    await expect(found.load()).rejects.toMatchObject({
      kind: 'input',
      message: `${name} is not on this machine`,
      hint: expect.stringContaining(`triggerlab datasets pull ${name}`),
    });
  },
);

it('fingerprints of published datasets stand still', () => {
  expect(
    Object.fromEntries(datasets.all.map(({ name, fingerprint }) => [name, fingerprint.slice(0, 12)])),
  ).toMatchInlineSnapshot(`
    {
      "cifar10": "0614111086b6",
      "cifar100": "8354a3bdb816",
      "fashion-mnist": "4864eca2f08c",
      "gtsrb": "9f3918a53934",
      "mnist": "2a47be9b19fb",
      "mnist10k": "e9d642d5fa14",
      "shapes": "e0cfcd003d0c",
      "tiny-imagenet": "4eef6996caad",
    }
  `);
});

it('a part of a dataset holds what its definition says', async () => {
  const found = await findDataset('mnist10k?classes=3+1+7&perClass=40&test=31&seed=2');
  expect(found).toMatchObject({
    name: 'mnist10k?classes=1+3+7&perClass=40&seed=2&test=31',
    classes: ['1', '3', '7'],
    classCounts: { train: [40, 40, 40] },
    trainCount: 120,
    testCount: 31,
  });
  const whole = await (await findDataset('mnist10k')).load();
  const { train, test } = await found.load();
  expect([train.count, test.count]).toEqual([120, 31]);
  const labels = [0, 1, 2].map((label) => train.labels.filter((other) => other === label).length);
  expect(labels).toEqual([40, 40, 40]);
  const rowOf = (pixels: Uint8Array) => {
    const text = Buffer.from(pixels).toString('latin1');
    return Array.from({ length: whole.train.count }, (_, row) => row).find(
      (row) => Buffer.from(whole.train.read([row])).toString('latin1') === text,
    );
  };
  for (const row of [0, 60, 119]) {
    const original = rowOf(train.read([row])) ?? -1;
    expect(whole.classes[whole.train.labels[original]]).toBe(found.classes[train.labels[row]]);
  }
  expect(train.read([5, 2])).toEqual(Uint8Array.from([...train.read([5]), ...train.read([2])]));
  expect(() => train.read([120])).toThrow(RangeError);
  expect(datasetFingerprint({ train, test })).toMatchInlineSnapshot(
    `"68e95deddd387f8be837b22b474661fa5ef13b644445e59ff5438e1818e2c529"`,
  );
});

it('parts have fingerprints of their own: the choice counts, not its spelling', async () => {
  const of = async (name: string) => (await findDataset(name)).fingerprint;
  const whole = await of('cifar10');
  expect(await of('cifar10?seed=0')).toBe(whole);
  expect(await of('cifar10?classes=cat+0')).toBe(await of('cifar10?classes=airplane,3'));
  const names = [
    '',
    '?perClass=9',
    '?perClass=8',
    '?limit=90',
    '?train=90',
    '?size=64',
    '?size=64&perClass=9',
    '?seed=1&perClass=9',
  ];
  expect(new Set(await Promise.all(names.map((query) => of(`cifar10${query}`)))).size).toBe(names.length);
  expect(await findDataset('gtsrb?size=48&perClass=5')).toMatchObject({
    ...{ name: 'gtsrb?perClass=5&size=48', height: 48, width: 48, trainCount: 215 },
  });
});

it.each([
  ['mnits?perClass=4', 'unknown dataset "mnits"'],
  ['mnist10k?size=14', 'mnist10k has images of 28 × 28 pixels and no others'],
  ['mnist?train=60001', 'there are 60000 train images'],
  ['cifar10?classes=cat+dgo', 'there is no class "dgo"'],
])('refuses %s', async (name, message) => {
  await expect(findDataset(name)).rejects.toMatchObject({ kind: 'input', message: expect.stringContaining(message) });
});
