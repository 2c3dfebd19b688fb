// ONNX Runtime's Node binding copies every output into new memory, even one that was computed into memory given for it. For
// hundreds of megabytes of optimiser state that costs as much as the training step. The binding reads the outputs in order and
// stops at the first that is no tensor, with everything computed: so an empty sequence goes first.

/** Name of the output at which the binding stops. */
export const STOP = 'stop';

/** How the binding then puts it. Should a later one hand sequences over, it copies the outputs again, and nothing else changes. */
export function stoppedThere(message: string): boolean {
  return message.includes('Non tensor type');
}

/** The model with `STOP` as its first output. Encoded ONNX models that are written one after the other are read as one. */
export function withStop(model: Uint8Array): Uint8Array {
  return Buffer.concat([STOP_MODEL, model]);
}

const message = (field: number, content: readonly number[]) => [(field << 3) | 2, content.length, ...content];
const text = (field: number, content: string) => message(field, [...Buffer.from(content)]);
const FLOAT_ELEMENTS = [1 << 3, 1];

/** Model.graph { node { output: stop, op_type: SequenceEmpty } output { name: stop, type: sequence of float tensors } } */
const STOP_MODEL = Uint8Array.from(
  message(7, [
    ...message(1, [...text(2, STOP), ...text(4, 'SequenceEmpty')]),
    ...message(12, [...text(1, STOP), ...message(2, message(4, message(1, message(1, FLOAT_ELEMENTS))))]),
  ]),
);
