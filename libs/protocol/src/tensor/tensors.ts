import type { Datatype, RowTensor } from '@slipway/model';

/** A request of a tensor protocol, checked against the signature. */
export type TensorRequest = {
  id: string | undefined;
  rows: number;
  tensors: Map<string, RowTensor>;
  /** Names of the requested outputs; undefined for all. */
  outputs: string[] | undefined;
};

/** Integers beyond 2^53 are bigints, all other values numbers. */
export type OutputTensor = {
  name: string;
  datatype: Datatype;
  shape: number[];
  data: (number | bigint | string | boolean)[];
};

/** The answer of a version. */
export type TensorAnswer = { model: string; version: number; id: string | undefined; outputs: OutputTensor[] };
