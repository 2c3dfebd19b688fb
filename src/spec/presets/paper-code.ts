// What the two programs of the paper's authors do, as read from their code: 2023-01 (BadNets) and 2023-04 (the other attacks).
import { inputSizes, schedule, tinyImageNetSchedule } from './paper.ts';
import type { Preset, PresetRule } from './preset.ts';

/** Datasets that hold MNIST's digits. */
const MNIST = ['mnist', 'mnist10k'];

const CIFAR10 = { mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.243, 0.261] };
const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

const fields = {
  ...schedule,
  freeze: 'paper-code',
  asrOver: 'all',
  // Our reading: torchvision's datasets give PIL images, which `Resize` hands to PIL.
  'preprocessing.antialias': true,
  'preprocessing.quantize': 'each-axis',
};

const badnets = { stampAt: 'native', rounding: 'floor', onGrey: 'black' };

const normalization = (dataset: string | readonly string[], value: object): PresetRule => ({
  if: { dataset },
  set: { 'preprocessing.normalization': value },
  source: 'code of both programs: transforms.Normalize',
});

/** Both programs alike. */
const common: readonly PresetRule[] = [
  ...inputSizes(MNIST),
  ...tinyImageNetSchedule,
  normalization(MNIST, { mean: 0.5, std: 0.5 }),
  normalization('cifar10', CIFAR10),
  normalization('tiny-imagenet', IMAGENET),
  {
    if: { dataset: 'tiny-imagenet', inputSize: 224 },
    set: { 'preprocessing.resize': 256 },
    source: 'code of both programs: Resize(256), CenterCrop(224) in the test pipeline',
  },
];

const weights = (version: string, source: string): PresetRule => ({
  if: { model: 'resnet152', init: 'pretrained' },
  set: { weights: version },
  source,
});

export const paperCode202301: Preset = {
  name: 'paper-code-2023-01',
  title: 'the authors’ program of January 2023, which made the BadNets grid',
  source: 'The authors’ public code, first version; probably the source of the BadNets results and of Table II.',
  fields,
  attack: { badnets },
  when: [
    ...common,
    {
      if: { dataset: 'tiny-imagenet' },
      set: { 'augmentation.flip': 0.5, 'augmentation.resizedCrop': 0.08 },
      source: 'code 2023-01: RandomHorizontalFlip, RandomResizedCrop(224) in the training pipeline',
    },
    weights('V2', 'code 2023-01: weights=DEFAULT'),
    {
      if: { dataset: MNIST, model: ['googlenet', 'vgg19_bn', 'resnet152'], init: 'pretrained' },
      set: { stem: 'replaced' },
      source: 'code 2023-01: on MNIST the first convolution is replaced by a random, trainable one (not AlexNet’s)',
    },
  ],
};

export const paperCode202304: Preset = {
  name: 'paper-code-2023-04',
  title: 'the authors’ program of April 2023, which made the results of WaNet and SSBA',
  source: 'The authors’ public code, February 2023 onward: every published CSV file comes from it.',
  fields: { ...fields, 'training.epochs': 10, 'training.modeAfterFirstEpoch': 'eval' },
  attack: { badnets: { ...badnets, axes: 'swapped' }, wanet: { noisePixels: 'others' } },
  when: [
    ...common,
    {
      if: { dataset: 'tiny-imagenet' },
      set: { 'preprocessing.rewrite': 224, testLimit: 5000 },
      source: 'code 2023-04: images written anew at 224 pixels, before triggers are stamped; 5,000 test images',
    },
    {
      if: { dataset: 'tiny-imagenet', 'attack.type': 'ssba' },
      set: { 'preprocessing.rewrite': 'none' },
      source:
        'our limit: an SSBA encoder is made for the images of the dataset; tiny-imagenet?size=224 has them at 224 pixels',
    },
    weights('V1', 'code 2023-04: pretrained=True'),
    {
      if: { 'attack.type': 'wanet' },
      set: { 'training.epochs': 20 },
      source:
        'our reading: the program’s default is 10; of its scripts SSBA’s leaves it at that, WaNet’s gives the text’s 20',
    },
  ],
};

export const paperCode: Preset = {
  name: 'paper-code',
  title: 'for each attack, the authors’ program that produced its results',
  source: 'BadNets and clean runs alone: paper-code-2023-01; every other attack: paper-code-2023-04.',
  ...{ fields: paperCode202304.fields, attack: paperCode202304.attack, when: paperCode202304.when },
  byAttack: { badnets: paperCode202301.name, none: paperCode202301.name },
};
