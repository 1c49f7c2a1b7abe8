import type { Datatype, RowTensor } from '@slipway/model';

/** A request of a tensor protocol, checked against the signature. */
export type TensorRequest = {
  id: string | undefined;
  rows: number;
  tensors: Map<string, RowTensor>;
  /** The outputs that are asked for; all when undefined. */
  outputs: string[] | undefined;
};

/** Integers beyond 2^53 are bigints, the others numbers. */
export type OutputTensor = {
  name: string;
  datatype: Datatype;
  shape: number[];
  data: (number | bigint | string | boolean)[];
};

/** What a version answered. */
export type TensorAnswer = { model: string; version: number; id: string | undefined; outputs: OutputTensor[] };
