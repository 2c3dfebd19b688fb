// The datasets that a spec can name.
import { registry } from '../core/registry.ts';
import { mnist10k } from './mnist10k.ts';
import { shapes } from './shapes.ts';

export const datasets = registry('dataset', [mnist10k, shapes]);
