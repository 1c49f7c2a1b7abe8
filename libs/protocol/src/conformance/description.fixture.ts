import type { FeatureValues, Signature } from '@slipway/model';
import type { Output } from '../interface/output.ts';
import type { Headers, Protocol, Reply } from '../interface/protocol.ts';
import type { TensorAnswer } from '../tensor/tensors.ts';

export type Asking = { method: string; path: string };

/** What the suite must be told of a protocol to hold it to the interface, in functions and over HTTP. */
export type ProtocolDescription = {
  protocol: Protocol;
  /** How a model is asked. */
  infer: (endpoint: string, version?: string) => Asking;
  /** How the server is asked about itself and its models. */
  questions: {
    server: Asking;
    live: Asking;
    ready: Asking;
    model: (name: string, version?: string) => Asking;
    modelReady: (name: string, version?: string) => Asking;
  };
  /** Paths that belong to the protocol, though nothing is there; and paths of others that look like its own. */
  nothingThere: readonly string[];
  others: readonly string[];
  /** A request with one text as its input, an id and a unit. */
  request: (text: string, more?: { id?: string; unit?: unknown }) => Buffer;
  /** The features of such a request. */
  features: (text: string) => FeatureValues;
  /** Headers that alone tell of a form that is not understood. */
  refusedHeaders: readonly Headers[];
  /** Answers of a model, and what they put out. */
  answers: readonly { body: Buffer; outputs: readonly Output[] }[];
  /** What looks like an answer by its status, and is none. */
  garbage: readonly { headers: Headers; body: Buffer }[];
  /** Heads of answers by whether their bodies are streamed. */
  streamed: readonly { headers: Headers; isStreamed: boolean }[];
  /** What the protocol's clients show as the error of a refusal. */
  errorOf: (reply: Reply) => unknown;
  /** Of a protocol that a worker can serve: a signature that the request fits, and an answer to encode. */
  tensors?: { signature: Signature; answer: TensorAnswer; outputs: readonly Output[] };
};
