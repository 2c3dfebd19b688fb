// Resize and its predecessor Upsample, from the forms of all operator sets to ours.
import { float32 } from '../../core/tensor.ts';
import type { Dim } from '../graph.ts';
import { Resize, scaleFor } from '../ops/resize.ts';
import { normalizeAxis, staticDim } from '../shapes.ts';
import type { Emit, NodeView } from './view.ts';

/** Of the first operator sets: nearest neighbour or bilinear, coordinates simply scaled. */
const OLD_MODE = { coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };

export const resized: Emit = (node) => {
  const x = node.input(0);
  const given = node.string('mode', 'nearest');
  const mode = given === 'bilinear' || given === 'linear' ? 'linear' : given;
  const old = node.node.op === 'Upsample' || node.opset < 11;
  if (!old) checkModern(node);
  const coordinates = node.string('coordinate_transformation_mode', 'half_pixel');
  const attributes = old
    ? { mode, ...OLD_MODE }
    : {
        mode,
        coordinate_transformation_mode: coordinates,
        nearest_mode: node.string('nearest_mode', 'round_prefer_floor'),
      };
  const scales = float32([x.rank], old ? oldScales(node, x.rank) : modernScales(node, x.shape));
  if (scales.data.some((scale) => !(scale > 0 && scale < 1e4)))
    throw new Error(`scales [${scales.data}] are out of range`);
  return node.graph.add(Resize, [x, undefined, node.graph.constant(scales)], attributes);
};

function checkModern(node: NodeView): void {
  if (node.string('coordinate_transformation_mode', 'half_pixel') === 'tf_crop_and_resize') {
    throw new Error('coordinate_transformation_mode tf_crop_and_resize is not supported');
  }
  if (node.string('keep_aspect_ratio_policy', 'stretch') !== 'stretch') {
    throw new Error('keep_aspect_ratio_policy is not supported');
  }
  if (node.int('antialias', 0) !== 0) throw new Error('antialias is not supported');
}

function oldScales(node: NodeView, rank: number): number[] {
  const { scales } = node.node.attributes;
  const listed = typeof scales === 'object' && 'floats' in scales ? scales.floats : constantScales(node, 1);
  if (listed) return checked(listed, rank);
  return checked([1, 1, node.float('height_scale', 1), node.float('width_scale', 1)], rank);
}

function constantScales(node: NodeView, i: number): number[] | undefined {
  const content = node.tensor(i);
  if (node.has(i) && !content) throw new Error(`input ${i} ("${node.node.inputs[i]}") must be a constant`);
  return content && content.data.length > 0 ? Array.from(content.data as ArrayLike<number>, Number) : undefined;
}

function checked(scales: readonly number[], rank: number): number[] {
  if (scales.length !== rank) throw new Error(`${scales.length} scales for a rank-${rank} value`);
  return [...scales];
}

function modernScales(node: NodeView, shape: readonly Dim[]): number[] {
  const axes = (node.ints('axes') ?? shape.map((_, axis) => axis)).map((axis) => normalizeAxis(axis, shape.length));
  const result = new Array<number>(shape.length).fill(1);
  const scales = constantScales(node, 2);
  const sizes = node.has(3) ? node.known(3)?.dims : undefined;
  if (!scales && !sizes) throw new Error('its scales or sizes must be constant');
  const given = checked(scales ?? (sizes ?? []).map((size, i) => scaleTo(shape[axes[i]], size)), axes.length);
  given.forEach((scale, i) => {
    result[axes[i]] = scale;
  });
  return result;
}

function scaleTo(from: Dim, to: Dim): number {
  if (from === to) return 1;
  return scaleFor(staticDim(from, 'a resized dimension'), staticDim(to, 'a resized dimension'));
}
