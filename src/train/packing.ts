// Many small parameters as one vector: a step then moves and updates a few tensors instead of dozens.
import { sizeOf, type Tensor, tensor } from '../core/tensor.ts';
import type { Value } from '../graph/graph.ts';
import { concat } from '../graph/ops/concat.ts';
import { reshape } from '../graph/ops/reshape.ts';
import { split } from '../graph/ops/split.ts';

/** Tensors this large are cheaper to keep apart than to copy into a vector and out of it at every step. */
const LARGE = 1_000_000;
/** Numbers in a block of a large parameter: a few blocks of them lie in a core's cache. */
const BLOCK = 131_072;

export interface Member {
  readonly name: string;
  readonly shape: readonly number[];
}

/** One tensor of a step's state: a large parameter by itself, or all small ones end to end. */
export interface Pack {
  readonly name: string;
  readonly members: readonly Member[];
  /** One dimension for small parameters end to end; [blocks, rows, columns] for a large one. */
  readonly shape: readonly number[];
}

/** Groups parameters into packs, small ones in the order given. */
export function packsOf(members: readonly Member[]): Pack[] {
  const large = members.filter(({ shape }) => sizeOf(shape) >= LARGE);
  const small = members.filter(({ shape }) => sizeOf(shape) < LARGE);
  const packs: Pack[] = large.map((member) => ({
    name: member.name,
    members: [member],
    shape: inBlocks(member.shape),
  }));
  if (small.length > 0) {
    const length = small.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    packs.push({ name: 'small', members: small, shape: [length] });
  }
  return packs;
}

/** A large parameter as a matrix, outputs by the rest; a block is as many of its rows as fit and divide them evenly. */
function inBlocks([outputs, ...rest]: readonly number[]): number[] {
  const columns = sizeOf(rest);
  const fitting = Math.max(1, Math.floor(BLOCK / columns));
  const rows =
    Array.from({ length: Math.min(fitting, outputs) }, (_, i) => i + 1).findLast((n) => outputs % n === 0) ?? 1;
  return [outputs / rows, rows, columns];
}

/** Whether a pack is one large parameter, in blocks. */
export function isLarge(pack: Pack): boolean {
  return pack.name !== 'small';
}

/** The members of a pack as values of their own shapes. */
export function unpackValues(pack: Pack, packed: Value): Value[] {
  if (isLarge(pack)) return [reshape(packed, pack.members[0].shape)];
  const parts = split(
    packed,
    pack.members.map(({ shape }) => sizeOf(shape)),
    0,
  );
  return parts.map((part, i) => reshape(part, pack.members[i].shape));
}

/** Values of the members' shapes as one packed value. */
export function packValues(pack: Pack, values: readonly Value[]): Value {
  if (isLarge(pack)) return values[0];
  return concat(
    values.map((value) => reshape(value, [-1])),
    0,
  );
}

/** Host tensors of the members as one packed tensor. */
export function packTensors(pack: Pack, tensors: Readonly<Record<string, Tensor>>): Tensor<'float32'> {
  const data = new Float32Array(sizeOf(pack.shape));
  let at = 0;
  for (const { name } of pack.members) {
    data.set(tensors[name].data as Float32Array, at);
    at += tensors[name].data.length;
  }
  return tensor('float32', pack.shape, data);
}

/** A packed host tensor as its members. */
export function unpackTensors(pack: Pack, packed: Tensor): Record<string, Tensor> {
  const data = packed.data as Float32Array;
  let at = 0;
  return Object.fromEntries(
    pack.members.map(({ name, shape }) => {
      const part = data.slice(at, at + sizeOf(shape));
      at += part.length;
      return [name, tensor('float32', shape, part)];
    }),
  );
}
