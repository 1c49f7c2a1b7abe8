/** A tensor as sent to and from a model's process: in ONNX Runtime's own arrays, never as JSON. */
export type PlainTensor = {
  name: string;
  /** ONNX Runtime's name of the type: `float32`, `int64`, `string`, … */
  type: string;
  dims: readonly number[];
  data: ArrayBufferView | readonly string[];
};
