import type { FileTensor } from '../tensor/fit.ts';
import type { PlainTensor } from '../tensor/plain-tensor.ts';

export type Provider = 'cuda' | 'cpu';

/** What a model's process is asked; one message at a time. `bytes` in place of a path is for tests. */
export type Question =
  | { kind: 'load'; file: string | Uint8Array; threads: number; provider: Provider | undefined }
  | { kind: 'run'; feeds: PlainTensor[]; fetch: readonly string[] };

export type Loaded = {
  provider: Provider;
  /** Why it is not CUDA, when that was tried. */
  why: string;
  inputs: FileTensor[];
  outputs: FileTensor[];
};

export type Reply = { ready: true } | { loaded: Loaded } | { outputs: PlainTensor[] } | { error: string };

/** Elements (for strings: characters) of all outputs of one run, at most: the worker has to read and write them all. */
export const MOST_OUTPUT_ELEMENTS = 2 ** 24;
