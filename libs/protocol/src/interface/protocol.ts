import type { ProblemError, VersionRef } from '@slipway/core';
import type { FeatureValues, Signature } from '@slipway/model';
import type { Output } from './output.ts';
import type { TensorAnswer, TensorRequest } from '../tensor/tensors.ts';

/** Request headers; names in lower case, as Node gives them. */
export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * The operation that a request asks for. `infer` calls a model: `endpoint` and `version` as named in the path (left out
 * by a protocol whose body names them), `task` is the kind of inference. The other operations are questions about the
 * server and its models. `refused`: the path belongs to the protocol, but the path or method is not supported.
 */
export type Match =
  | { operation: 'infer'; task: string; endpoint: string | undefined; version: string | undefined }
  | { operation: 'server' | 'live' | 'ready' }
  | { operation: 'model' | 'modelReady'; endpoint: string; version: string | undefined }
  | { operation: 'refused'; problem: ProblemError; headers?: Readonly<Record<string, string>> };
export type Question = Exclude<Match, { operation: 'infer' | 'refused' }>;

/** What a router needs from the body of a request. The parsed body is not kept. */
export interface RequestFacts {
  /** The body as JSON, for rows. Undefined when it is not JSON; rows then carry its text. */
  readonly json: Buffer | undefined;
  /** The endpoint, when the body names it. */
  readonly endpoint: string | undefined;
  /** The request id, when the body has one. */
  readonly id: string | undefined;
  /** The unit to randomise, when the body names it. @throws ProblemError invalid_request when it is malformed */
  readonly unit: string | undefined;
  /** What profiles compare of its first instance; empty where the body tells none. */
  readonly features: FeatureValues;
}

/** A request to a target. */
export type Outgoing = {
  method: 'GET' | 'POST';
  /** Path relative to the target's base address. */
  path: string;
  headers: Readonly<Record<string, string>>;
  body: Buffer;
};

/** The response of a target. `body` is the first piece when the response is streamed. */
export type TargetReply = { status: number; headers: Headers; body: Buffer };

/**
 * What an answer is worth. `answered`: the model answered, or refused the request for what its caller sent: its caller
 * gets that. The others are the target's, and never the caller's. `busy`: a queue is full. `missing`: the model or the
 * version is not there. `barred`: we are not let in. `garbage`: it looks like an answer, and is none. `failed`: any
 * other error, and a redirection.
 */
export type Verdict = 'answered' | 'busy' | 'missing' | 'barred' | 'garbage' | 'failed';

/** The body of a response, parsed once. */
export interface AnswerFacts {
  /** The body as JSON, for rows and shadow pairs. Undefined when it is not JSON; they then carry its text. */
  readonly json: Buffer | undefined;
  /** The outputs of the model; undefined when the body is not an answer. Computed at each call. */
  readonly outputs: readonly Output[] | undefined;
}

/** A response written by this service. */
export type Reply = { status: number; headers: Readonly<Record<string, string>>; body: Buffer };

/** A model as described in metadata. */
export type ModelFacts = {
  name: string;
  versions: readonly string[];
  signature: Signature;
  parameters?: Readonly<Record<string, string>>;
};

/**
 * The interface of a protocol for calling models: the same functions for every protocol, all pure. Each must pass the
 * suite in `conformance/`; `protocols.ts` lists them.
 */
export interface Protocol {
  /** Name of the protocol in rows, shadow requests and shadow pairs. */
  readonly name: string;

  /**
   * The operation that a request asks for; undefined when the path does not belong to this protocol.
   * @param url path and query
   */
  match(method: string, url: string): Match | undefined;

  /**
   * Checks the headers before the body is read.
   * @throws ProblemError when they show that the request is not supported
   */
  admit(headers: Headers): void;

  /**
   * Reads a request body. A body that is not JSON is passed to the model unchanged.
   * @throws ProblemError when the body has an unsupported form
   */
  read(body: Buffer): RequestFacts;

  /** The request to send to a target that serves the version. An unchanged body is the same Buffer. */
  rewrite(body: Buffer, version: VersionRef): Outgoing;

  verdict(reply: TargetReply): Verdict;

  /** Whether the response body is passed to the caller piece by piece, as it arrives. */
  streams(reply: Omit<TargetReply, 'body'>): boolean;

  readAnswer(body: Buffer): AnswerFacts;

  /** The outputs of the model, from a response as rows and pairs carry it; undefined when it is not an answer. */
  outputs(answer: unknown): readonly Output[] | undefined;

  /** A refusal in the format that clients of this protocol expect. */
  refusal(problem: ProblemError, requestId?: string): Reply;

  /** The probe request that asks whether a version is ready. */
  probe(version: VersionRef): Outgoing;
  /** Whether the response to a probe says that the version is ready. */
  isReady(reply: TargetReply): boolean;

  /** Responses to questions about the server itself. */
  readonly about: {
    server(name: string, version: string): Reply;
    live(): Reply;
    ready(ready: boolean): Reply;
    model(model: ModelFacts): Reply;
    modelReady(name: string, ready: boolean): Reply;
  };
}

/** A protocol whose requests and answers are tensors, so that a worker can serve it. */
export interface TensorProtocol extends Protocol {
  /**
   * Decodes a request into tensors that fit the signature.
   * @param maxRows largest number of rows in one request
   * @throws ProblemError malformed_json, or invalid_tensor naming the field
   */
  decode(body: Buffer, signature: Signature, maxRows: number): TensorRequest;
  encode(answer: TensorAnswer): Reply;
}
