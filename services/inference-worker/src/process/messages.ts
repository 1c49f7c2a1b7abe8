import type { FileTensor } from '../tensor/fit.ts';
import type { PlainTensor } from '../tensor/plain-tensor.ts';

export type Provider = 'cuda' | 'cpu';

/** Messages to a model's process, one at a time. `bytes` in place of a path is for tests. */
export type Question =
  | { kind: 'load'; file: string | Uint8Array; threads: number; provider: Provider | undefined }
  | { kind: 'run'; feeds: PlainTensor[]; fetch: readonly string[] };

export type Loaded = {
  provider: Provider;
  /** Why it is not CUDA, when CUDA was tried. */
  why: string;
  inputs: FileTensor[];
  outputs: FileTensor[];
};

export type Reply = { ready: true } | { loaded: Loaded } | { outputs: PlainTensor[] } | { error: string };

/** Most elements (for strings: characters) of all outputs of one run: the worker has to read and write them all. */
export const MOST_OUTPUT_ELEMENTS = 2 ** 24;
