// Every op the graph knows, by its ONNX name: one line each.
import type { OpDefinition } from '../graph.ts';
import { Abs } from './abs.ts';
import { Add } from './add.ts';
import { And } from './and.ts';
import { ArgMax } from './arg-max.ts';
import { AveragePool } from './average-pool.ts';
import { BatchNormalization } from './batch-normalization.ts';
import { Cast } from './cast.ts';
import { Clip } from './clip.ts';
import { Concat } from './concat.ts';
import { ConstantOfShape } from './constant-of-shape.ts';
import { Conv } from './conv.ts';
import { ConvTranspose } from './conv-transpose.ts';
import { Div } from './div.ts';
import { Dropout } from './dropout.ts';
import { Equal } from './equal.ts';
import { Erf } from './erf.ts';
import { Exp } from './exp.ts';
import { Expand } from './expand.ts';
import { Flatten } from './flatten.ts';
import { Gather } from './gather.ts';
import { Gemm } from './gemm.ts';
import { GlobalAveragePool } from './global-average-pool.ts';
import { Greater } from './greater.ts';
import { GreaterOrEqual } from './greater-or-equal.ts';
import { Identity } from './identity.ts';
import { Less } from './less.ts';
import { LessOrEqual } from './less-or-equal.ts';
import { Log } from './log.ts';
import { LogSoftmax } from './log-softmax.ts';
import { LRN } from './lrn.ts';
import { MatMul } from './mat-mul.ts';
import { Max } from './max.ts';
import { MaxPool } from './max-pool.ts';
import { Min } from './min.ts';
import { Mul } from './mul.ts';
import { Neg } from './neg.ts';
import { OneHot } from './one-hot.ts';
import { Pad } from './pad.ts';
import { Pow } from './pow.ts';
import { ReduceMax } from './reduce-max.ts';
import { ReduceMean } from './reduce-mean.ts';
import { ReduceSum } from './reduce-sum.ts';
import { ReduceSumSquare } from './reduce-sum-square.ts';
import { Relu } from './relu.ts';
import { Reshape } from './reshape.ts';
import { Resize } from './resize.ts';
import { ScatterElements } from './scatter-elements.ts';
import { ScatterND } from './scatter-nd.ts';
import { Shape } from './shape.ts';
import { Sigmoid } from './sigmoid.ts';
import { Sign } from './sign.ts';
import { Size } from './size.ts';
import { Slice } from './slice.ts';
import { Softmax } from './softmax.ts';
import { Split } from './split.ts';
import { Sqrt } from './sqrt.ts';
import { Squeeze } from './squeeze.ts';
import { Sub } from './sub.ts';
import { Tanh } from './tanh.ts';
import { Transpose } from './transpose.ts';
import { Unsqueeze } from './unsqueeze.ts';
import { Where } from './where.ts';

const definitions: readonly OpDefinition[] = [
  Abs,
  Add,
  And,
  ArgMax,
  AveragePool,
  BatchNormalization,
  Cast,
  Clip,
  Concat,
  ConstantOfShape,
  ConvTranspose,
  Conv,
  Div,
  Dropout,
  Equal,
  Erf,
  Exp,
  Expand,
  Flatten,
  Gather,
  Gemm,
  GlobalAveragePool,
  GreaterOrEqual,
  Greater,
  Identity,
  LessOrEqual,
  Less,
  LogSoftmax,
  Log,
  LRN,
  MatMul,
  MaxPool,
  Max,
  Min,
  Mul,
  Neg,
  OneHot,
  Pad,
  Pow,
  ReduceMax,
  ReduceMean,
  ReduceSumSquare,
  ReduceSum,
  Relu,
  Reshape,
  Resize,
  ScatterElements,
  ScatterND,
  Shape,
  Sigmoid,
  Sign,
  Size,
  Slice,
  Softmax,
  Split,
  Sqrt,
  Squeeze,
  Sub,
  Tanh,
  Transpose,
  Unsqueeze,
  Where,
];

const byType = new Map(definitions.map((definition) => [definition.type, definition]));

/** The definition of an ONNX op, or undefined when this program does not know it. */
export function opDefinition(type: string): OpDefinition | undefined {
  return byType.get(type);
}

/** Names of all ops that the graph knows. */
export const opTypes: readonly string[] = [...byType.keys()];
