// CIFAR-10 and CIFAR-100 in their binary version: one tar.gz each.
import type { OfficialDataset } from '../dataset.ts';
import { openCifar } from './cifar-binary.ts';

const SHAPE = { height: 32, width: 32, channels: 3 } as const;

const FROM = ['https://www.cs.toronto.edu/~kriz/'];
const SOURCE = 'Krizhevsky, Nair, Hinton (no licence stated)';
const CIFAR10 = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'];
/** The 100 fine classes. */
const CIFAR100 = `
  apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can
  castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin
  elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster
  man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck
  pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk
  skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger
  tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm
`
  .trim()
  .split(/\s+/);

export const cifar10: OfficialDataset = {
  name: 'cifar10',
  title: 'CIFAR-10, small photos',
  source: SOURCE,
  ...SHAPE,
  classes: CIFAR10,
  classCounts: { train: CIFAR10.map(() => 5000), test: CIFAR10.map(() => 1000) },
  reader: 1,
  files: [
    {
      name: 'cifar-10-binary.tar.gz',
      bytes: 170_052_171,
      md5: 'c32a1d4ab5d03f1284b67883e8d87530',
      from: FROM,
    },
  ],
  open: ([path]) =>
    openCifar(path, {
      ...SHAPE,
      classes: CIFAR10.length,
      labelBytes: 1,
      parts: [...[1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`), 'test_batch.bin'],
    }),
};

export const cifar100: OfficialDataset = {
  name: 'cifar100',
  title: 'CIFAR-100, small photos of 100 fine classes',
  source: SOURCE,
  ...SHAPE,
  classes: CIFAR100,
  classCounts: { train: CIFAR100.map(() => 500), test: CIFAR100.map(() => 100) },
  reader: 1,
  files: [
    {
      name: 'cifar-100-binary.tar.gz',
      bytes: 168_513_733,
      md5: '03b5dce01913d631647c71ecec9e9cb8',
      from: FROM,
    },
  ],
  open: ([path]) =>
    openCifar(path, { ...SHAPE, classes: CIFAR100.length, labelBytes: 2, parts: ['train.bin', 'test.bin'] }),
};
