import type { FeatureValues, Signature } from '@slipway/model';
import type { Output } from '../interface/output.ts';
import type { Headers, Protocol, Reply } from '../interface/protocol.ts';
import type { TensorAnswer } from '../tensor/tensors.ts';

export type Asking = { method: string; path: string };

/** What the conformance suite needs to know about a protocol, both for its functions and over HTTP. */
export type ProtocolDescription = {
  protocol: Protocol;
  /** Requests to a model. */
  infer: (endpoint: string, version?: string) => Asking;
  /** Questions about the server and its models. */
  questions: {
    server: Asking;
    live: Asking;
    ready: Asking;
    model: (name: string, version?: string) => Asking;
    modelReady: (name: string, version?: string) => Asking;
  };
  /** Paths of the protocol that do not exist, and similar paths of other protocols. */
  nothingThere: readonly string[];
  others: readonly string[];
  /** A request with one text input, an id and a unit. */
  request: (text: string, more?: { id?: string; unit?: unknown }) => Buffer;
  /** The features of that request. */
  features: (text: string) => FeatureValues;
  /** Headers that alone identify an unsupported request. */
  refusedHeaders: readonly Headers[];
  /** Answers of a model, and their outputs. */
  answers: readonly { body: Buffer; outputs: readonly Output[] }[];
  /** Responses whose status says success but whose body is not an answer. */
  garbage: readonly { headers: Headers; body: Buffer }[];
  /** Response heads, by whether their bodies are streamed. */
  streamed: readonly { headers: Headers; isStreamed: boolean }[];
  /** The text of a refusal that the protocol's clients display. */
  errorOf: (reply: Reply) => unknown;
  /** For a protocol that a worker can serve: a signature that the request fits, and an answer to encode. */
  tensors?: { signature: Signature; answer: TensorAnswer; outputs: readonly Output[] };
};
