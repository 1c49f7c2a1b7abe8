/** A tensor as it goes to a model's process and comes from it: in ONNX Runtime's own arrays, never as JSON. */
export type PlainTensor = {
  name: string;
  /** ONNX Runtime's name of the type: `float32`, `int64`, `string`, … */
  type: string;
  dims: readonly number[];
  data: ArrayBufferView | readonly string[];
};
