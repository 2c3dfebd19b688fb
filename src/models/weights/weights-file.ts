// What every reader of weight files offers: names with shapes at once, each tensor when it is asked for.
import type { DType, Tensor } from '../../core/tensor.ts';
import type { ElementType } from './element-types.ts';

export type WeightsFormat = 'safetensors' | 'pth-zip' | 'pth-legacy' | 'pth-tar' | 'onnx';

export interface StoredTensor {
  /** Element type once read: half precision and bfloat16 become float32. */
  readonly dtype: DType;
  /** Element type in the file. */
  readonly stored: ElementType;
  readonly shape: readonly number[];
  /** Length of its elements as stored. */
  readonly bytes: number;
  /** Where they begin in the file, when they lie there row by row and unpacked (always in safetensors). */
  readonly offset?: number;
}

/** An open file of named tensors. Close it when done. */
export interface WeightsFile {
  readonly path: string;
  readonly format: WeightsFormat;
  /** Remarks in the file; empty for formats that have none. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** @throws TriggerlabError (input) when there is no such tensor or its bytes are damaged. */
  read(name: string): Promise<Tensor>;
  close(): Promise<void>;
}
