// The datasets that a spec can name.
import { registry } from '../core/registry.ts';
import { mnist10k } from './mnist10k.ts';
import { cifar10, cifar100 } from './official/cifar.ts';
import { officialDataset } from './official/definition.ts';
import { gtsrb } from './official/gtsrb.ts';
import { fashionMnist, mnist } from './official/mnist.ts';
import { tinyImageNet } from './official/tiny-imagenet.ts';
import { shapes } from './shapes.ts';

const official = [mnist, fashionMnist, cifar10, cifar100, tinyImageNet, gtsrb].map((dataset) =>
  officialDataset(dataset),
);

export const datasets = registry('dataset', [mnist10k, shapes, ...official]);
