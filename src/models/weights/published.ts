// Weights that torchvision publishes (torchvision.models, `*_Weights`): file names carry the beginning of their SHA-256.

import { splitVersion } from '../../core/references.ts';

export interface PublishedWeights {
  readonly model: string;
  /** As it is asked for: V1 or V2. */
  readonly version: 'V1' | 'V2';
  readonly file: string;
  /** Leading digits of the file's SHA-256. */
  readonly sha256: string;
  /** Length of the file, as torchvision rounds it to a thousandth of 2²⁰ bytes. */
  readonly bytes: number;
  /** Whether torchvision takes it when asked for DEFAULT. */
  readonly isDefault: boolean;
  /** All of them: ImageNet-1K at 224 × 224 pixels. */
  readonly inputSize: number;
  readonly classes: number;
}

export const PUBLISHED_BASE = 'https://download.pytorch.org/models/';
export const PUBLISHED_DATA = 'ImageNet-1K (ILSVRC 2012), as published with torchvision';

/** Model, file, size in 2²⁰ bytes; V2 follows the V1 it replaces as the default. */
const FILES: readonly (readonly [model: string, file: string, size: number, version?: 'V2'])[] = [
  ['alexnet', 'alexnet-owt-7be5be79.pth', 233.087],
  ['googlenet', 'googlenet-1378be20.pth', 49.731],
  ['vgg11', 'vgg11-8a719046.pth', 506.84],
  ['vgg11_bn', 'vgg11_bn-6002323d.pth', 506.881],
  ['vgg13', 'vgg13-19584684.pth', 507.545],
  ['vgg13_bn', 'vgg13_bn-abd245e5.pth', 507.59],
  ['vgg16', 'vgg16-397923af.pth', 527.796],
  ['vgg16_bn', 'vgg16_bn-6c64b313.pth', 527.866],
  ['vgg19', 'vgg19-dcbb9e9d.pth', 548.051],
  ['vgg19_bn', 'vgg19_bn-c79401a0.pth', 548.143],
  ['resnet18', 'resnet18-f37072fd.pth', 44.661],
  ['resnet34', 'resnet34-b627a593.pth', 83.275],
  ['resnet50', 'resnet50-0676ba61.pth', 97.781],
  ['resnet50', 'resnet50-11ad3fa6.pth', 97.79, 'V2'],
  ['resnet101', 'resnet101-63fe2227.pth', 170.511],
  ['resnet101', 'resnet101-cd907fc2.pth', 170.53, 'V2'],
  ['resnet152', 'resnet152-394f9c45.pth', 230.434],
  ['resnet152', 'resnet152-f82ba261.pth', 230.474, 'V2'],
];

export const publishedWeights: readonly PublishedWeights[] = FILES.map(([model, file, size, later], i) => ({
  model,
  version: later ?? 'V1',
  file,
  sha256: file.slice(-'00000000.pth'.length, -'.pth'.length),
  bytes: Math.round(size * 2 ** 20),
  isDefault: FILES[i + 1]?.[0] !== model,
  inputSize: 224,
  classes: 1000,
}));

/** What a model's name stands for among the published weights: with `@version` that version, else torchvision's default. */
export function publishedAs(name: string): PublishedWeights | undefined {
  const { model, version } = splitVersion(name);
  return publishedFor(model).find((entry) => (version === undefined ? entry.isDefault : entry.version === version));
}

/** What is published for a model, V1 first. */
export function publishedFor(model: string): readonly PublishedWeights[] {
  return publishedWeights.filter((entry) => entry.model === model);
}
