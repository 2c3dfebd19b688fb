import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { cifarPart, drain, level, tarOf } from '../../../test/support/dataset-files.ts';
import { damaged, inFolder, refused, surviveDamage } from '../../../test/support/hostile.ts';
import { openCifar } from './cifar-binary.ts';

const write = inFolder();
const LAYOUT = {
  height: 4,
  width: 4,
  channels: 3 as const,
  classes: 3,
  labelBytes: 1,
  parts: ['a.bin', 'b.bin', 'test.bin'],
};
const [a, b, test] = [cifarPart([[0], [2]], 4), cifarPart([[1], [1], [0]], 4, 2), cifarPart([[2]], 4, 5)];
const readCifar = async (tar: Buffer, layout: Parameters<typeof openCifar>[1] = LAYOUT) => {
  const raw = await openCifar(write(tar, 'cifar.tar'), layout);
  return { raw, rows: await drain(raw) };
};
/** Pixels side by side instead of planes. */
const together = (row: number) => Array.from({ length: 48 }, (_, i) => level(row, (i % 3) * 16 + Math.floor(i / 3)));

describe("CIFAR's binary version", () => {
  it('gives every pixel and label in the order of the parts, whatever their order in the archive', async () => {
    for (const names of [
      [a, b, test],
      [test, b, a],
    ].entries()) {
      const [turn, contents] = names;
      const order = turn === 0 ? LAYOUT.parts : LAYOUT.parts.toReversed();
      const tar = await tarOf([
        [{ name: 'cifar/', type: 'directory' }],
        ['cifar/readme.html', Buffer.from('read me')],
        ...order.map((name, i) => [`cifar/${name}`, contents[i]] as const),
      ]);
      for (const packed of [tar, gzipSync(tar)]) {
        const { raw, rows } = await readCifar(packed);
        expect([...raw.trainLabels]).toEqual([0, 2, 1, 1, 0]);
        expect([...raw.testLabels]).toEqual([2]);
        expect(rows.map((row) => [...row])).toEqual([0, 1, 2, 3, 4, 5].map(together));
      }
    }
  });

  it('takes the last of two label bytes', async () => {
    const tar = await tarOf([
      [
        'train.bin',
        cifarPart(
          [
            [9, 1],
            [7, 0],
          ],
          4,
        ),
      ],
      ['test.bin', cifarPart([[0, 2]], 4, 2)],
    ]);
    const { raw, rows } = await readCifar(tar, { ...LAYOUT, labelBytes: 2, parts: ['train.bin', 'test.bin'] });
    expect([[...raw.trainLabels], [...raw.testLabels]]).toEqual([[1, 0], [2]]);
    expect([...rows[2]]).toEqual(together(2));
  });

  type Entries = Parameters<typeof tarOf>[0];
  const whole: Entries = [
    ['x/a.bin', a],
    ['x/b.bin', b],
    ['x/test.bin', test],
  ];
  it.each<[string, Entries, RegExp]>([
    ['a missing part', whole.slice(1), /no a\.bin in it/],
    ['a part twice', [...whole, ['y/a.bin', a]], /a\.bin is there twice/],
    ['half a record', [['a.bin', a.subarray(1)], ...whole.slice(1)], /no whole number of records of 49 bytes/],
    ['an empty part', [['a.bin', Buffer.alloc(0)], ...whole.slice(1)], /no whole number of records/],
    ['a class that is none', [['a.bin', cifarPart([[3]], 4)], ...whole.slice(1)], /label 0 is 3, there are 3 classes/],
    ['a name that climbs out', [...whole, ['../../evil', Buffer.from('x')]], /"\.\.\/\.\.\/evil" points outside/],
    ['an absolute name', [...whole, ['/etc/evil', Buffer.from('x')]], /points outside/],
    [
      'a symbolic link',
      [...whole, [{ name: 'x/link', type: 'symlink', linkname: '/etc/passwd' }]],
      /is a symlink, not a file/,
    ],
    [
      'a symbolic link for a part',
      [[{ name: 'x/a.bin', type: 'symlink', linkname: '/etc/passwd' }], ...whole.slice(1)],
      /is a symlink/,
    ],
    ['a hard link', [...whole, [{ name: 'x/link', type: 'link', linkname: '/etc/passwd' }]], /is a link, not a file/],
    ['a device', [...whole, [{ name: 'x/null', type: 'character-device' }]], /is a character-device/],
  ])('refuses %s', async (_, entries, message) => {
    const tar = await tarOf(entries);
    await refused(() => readCifar(gzipSync(tar)), message);
  });

  it('refuses archives that are cut short, packed to fill the memory, or of another kind', async () => {
    const tar = await tarOf(whole);
    await refused(() => readCifar(tar.subarray(0, 700)), /no intact tar archive/);
    await refused(() => readCifar(gzipSync(tar).subarray(0, -20)), /cannot read.*unexpected end/);
    await refused(() => readCifar(Buffer.from('no archive at all'.repeat(60))), /no intact tar archive/);
    await refused(() => readCifar(Buffer.alloc(0)), /no a\.bin/);
    const bomb = await tarOf([
      ['a.bin', a],
      ['zeros', Buffer.alloc(1.5e8)],
    ]);
    await refused(() => readCifar(gzipSync(bomb)), /unpacks to more than 24\.7 MB/);
    // Says 8 GB, and has nothing.
    const absurd = Buffer.from(tar);
    absurd.write('77777777777', 124);
    let sum = 256;
    for (let i = 0; i < 512; i++) sum += i >= 148 && i < 156 ? 0 : absurd[i];
    absurd.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    await refused(() => readCifar(absurd), /no whole number of records|no intact tar archive/);
  });
});

it('reads or refuses 1,000 damaged archives, compressed and not', async () => {
  const tar = await tarOf([
    ['x/a.bin', a],
    ['x/b.bin', b],
    ['x/test.bin', test],
  ]);
  await surviveDamage(48, (how, variant) => {
    if (variant % 3 === 0) return readCifar(damaged(gzipSync(tar), how));
    const file = damaged(tar, how);
    return readCifar(variant % 3 === 1 ? file : gzipSync(file));
  });
});
