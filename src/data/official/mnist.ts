// MNIST and Fashion-MNIST: four IDX files each.
import type { OfficialDataset, OfficialFile } from '../dataset.ts';
import { openIdx } from './idx.ts';

const SHAPE = { height: 28, width: 28, channels: 1 } as const;

const FILES = [
  'train-images-idx3-ubyte',
  'train-labels-idx1-ubyte',
  't10k-images-idx3-ubyte',
  't10k-labels-idx1-ubyte',
];

function idxFiles(from: readonly string[], sums: readonly (readonly [bytes: number, md5: string])[]): OfficialFile[] {
  return sums.map(([bytes, md5], i) => ({ name: `${FILES[i]}.gz`, bytes, md5, from }));
}

export const mnist: OfficialDataset = {
  name: 'mnist',
  title: 'MNIST, handwritten digits',
  source: 'LeCun, Cortes, Burges (CC BY-SA 3.0)',
  ...SHAPE,
  classes: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
  classCounts: {
    train: [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
    test: [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
  },
  reader: 1,
  files: idxFiles(
    ['https://ossci-datasets.s3.amazonaws.com/mnist/', 'http://yann.lecun.com/exdb/mnist/'],
    [
      [9_912_422, 'f68b3c2dcbeaaa9fbdd348bbdeb94873'],
      [28_881, 'd53e105ee54ea40749a09fcbcd1e9432'],
      [1_648_877, '9fb629c4189551a2d022fa330f9573f3'],
      [4_542, 'ec29112dd5afa0611ce80d1b7f02629c'],
    ],
  ),
  open: (paths) => openIdx(paths, SHAPE, 10),
};

const GARMENTS = [
  ...['T-shirt', 'trouser', 'pullover', 'dress', 'coat', 'sandal', 'shirt', 'sneaker', 'bag', 'ankle boot'],
];

export const fashionMnist: OfficialDataset = {
  name: 'fashion-mnist',
  title: 'Fashion-MNIST, pieces of clothing',
  source: 'Zalando Research (MIT)',
  ...SHAPE,
  classes: GARMENTS,
  classCounts: { train: GARMENTS.map(() => 6000), test: GARMENTS.map(() => 1000) },
  reader: 1,
  files: idxFiles(
    ['http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/'],
    [
      [26_421_880, '8d4fb7e6c68d591d4c3dfef9ec88bf0d'],
      [29_515, '25c81989df183df01b3e8a0aad5dffbe'],
      [4_422_102, 'bef4ecab320f06d8554ea6380940ec79'],
      [5_148, 'bb300cfdad3c16e7a12a480ee83cd310'],
    ],
  ),
  open: (paths) => openIdx(paths, SHAPE, GARMENTS.length),
};
