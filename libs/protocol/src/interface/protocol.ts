import type { ProblemError, VersionRef } from '@slipway/core';
import type { FeatureValues, Signature } from '@slipway/model';
import type { Output } from './output.ts';
import type { TensorAnswer, TensorRequest } from '../tensor/tensors.ts';

/** Header names are in lower case, as Node gives them. */
export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * What a request asks for. `infer`: a model is asked; `endpoint` and `version` as the path names them (a protocol whose
 * body names them leaves them out), `task` what is asked of the model. The others are questions about the server and
 * its models. `refused`: the path belongs to the protocol, and nothing there can be asked like this.
 */
export type Match =
  | { operation: 'infer'; task: string; endpoint: string | undefined; version: string | undefined }
  | { operation: 'server' | 'live' | 'ready' }
  | { operation: 'model' | 'modelReady'; endpoint: string; version: string | undefined }
  | { operation: 'refused'; problem: ProblemError; headers?: Readonly<Record<string, string>> };
export type Question = Exclude<Match, { operation: 'infer' | 'refused' }>;

/** What a router needs to know of a request's body. The parsed body itself is not kept. */
export interface RequestFacts {
  /** The body as JSON, as rows carry it; undefined when it is none, and rows carry its text. */
  readonly json: Buffer | undefined;
  /** The endpoint, where the body names it. */
  readonly endpoint: string | undefined;
  /** The request's id, where the body has one. */
  readonly id: string | undefined;
  /** The unit that is randomised, where the body names it. @throws ProblemError invalid_request when it is malformed */
  readonly unit: string | undefined;
  /** What profiles compare of its first instance; empty where the body tells none. */
  readonly features: FeatureValues;
}

/** What is sent to a target. */
export type Outgoing = {
  method: 'GET' | 'POST';
  /** Behind the target's base address. */
  path: string;
  headers: Readonly<Record<string, string>>;
  body: Buffer;
};

/** What a target said; of an answer that is streamed `body` is its first piece. */
export type TargetReply = { status: number; headers: Headers; body: Buffer };

/**
 * What an answer is worth. `answered`: the model answered, or refused the request for what its caller sent: its caller
 * gets that. The others are the target's, and never the caller's. `busy`: a queue is full. `missing`: the model or the
 * version is not there. `barred`: we are not let in. `garbage`: it looks like an answer, and is none. `failed`: any
 * other error, and a redirection.
 */
export type Verdict = 'answered' | 'busy' | 'missing' | 'barred' | 'garbage' | 'failed';

/** The body of an answer, read once. */
export interface AnswerFacts {
  /** As JSON, as rows and shadow pairs carry it; undefined when it is none, and they carry its text. */
  readonly json: Buffer | undefined;
  /** What the model put out; undefined when it is no answer of a model. Worked out each time it is asked for. */
  readonly outputs: readonly Output[] | undefined;
}

/** An answer that is written here. */
export type Reply = { status: number; headers: Readonly<Record<string, string>>; body: Buffer };

/** A model as metadata tell of it. */
export type ModelFacts = {
  name: string;
  versions: readonly string[];
  signature: Signature;
  parameters?: Readonly<Record<string, string>>;
};

/**
 * How people speak to models: the same few functions for every protocol, all pure. `conformance/` has the suite that
 * each must pass, and `protocols.ts` the list.
 */
export interface Protocol {
  /** As rows, requests of the shadow and pairs name it. */
  readonly name: string;

  /** What is asked for; undefined when the path does not belong to this protocol. @param url path and query */
  match(method: string, url: string): Match | undefined;

  /** @throws ProblemError when the headers alone tell that the request cannot be understood: its body is not read */
  admit(headers: Headers): void;

  /** @throws ProblemError when the body is of a form that is not understood; what is no JSON is left to the model */
  read(body: Buffer): RequestFacts;

  /** A request as the target of a version gets it. The body that passes unchanged is the same Buffer. */
  rewrite(body: Buffer, version: VersionRef): Outgoing;

  verdict(reply: TargetReply): Verdict;

  /** Whether the body of an answer goes to its caller piece by piece, as it comes. */
  streams(reply: Omit<TargetReply, 'body'>): boolean;

  readAnswer(body: Buffer): AnswerFacts;

  /** What the model put out, from an answer as a row or a pair carries it; undefined when it is no such answer. */
  outputs(answer: unknown): readonly Output[] | undefined;

  /** A refusal in the form that this protocol's clients look for. */
  refusal(problem: ProblemError, requestId?: string): Reply;

  /** The question whether a version is ready. */
  probe(version: VersionRef): Outgoing;
  /** Whether the answer to a probe says that it is. */
  isReady(reply: TargetReply): boolean;

  /** Answers about the server itself. */
  readonly about: {
    server(name: string, version: string): Reply;
    live(): Reply;
    ready(ready: boolean): Reply;
    model(model: ModelFacts): Reply;
    modelReady(name: string, ready: boolean): Reply;
  };
}

/** A protocol whose requests and answers are tensors: a worker can serve it. */
export interface TensorProtocol extends Protocol {
  /**
   * A request as tensors that fit the signature.
   * @param maxRows of one request
   * @throws ProblemError malformed_json, or invalid_tensor naming the field
   */
  decode(body: Buffer, signature: Signature, maxRows: number): TensorRequest;
  encode(answer: TensorAnswer): Reply;
}
