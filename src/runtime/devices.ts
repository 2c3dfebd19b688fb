// Devices a graph can run on, and the ONNX Runtime execution provider of each.
import { type Registry, registry } from '../core/registry.ts';

export interface Device {
  readonly name: string;
  /** ONNX Runtime's name of the execution provider. */
  readonly provider: string;
  readonly title: string;
  /** Whether this project's own tests run on it. The others take the same graphs but were never tried by us. */
  readonly tested: boolean;
}

export const devices: Registry<Device> = registry('device', [
  { name: 'cpu', provider: 'cpu', title: 'CPU', tested: true },
  { name: 'cuda', provider: 'cuda', title: 'NVIDIA GPU (Linux, Windows; see README)', tested: false },
  { name: 'dml', provider: 'dml', title: 'DirectML GPU (Windows)', tested: false },
  { name: 'coreml', provider: 'coreml', title: 'Core ML (macOS)', tested: false },
  { name: 'webgpu', provider: 'webgpu', title: 'WebGPU (experimental in Node)', tested: false },
]);
