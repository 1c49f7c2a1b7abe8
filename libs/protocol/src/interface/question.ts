import { ProblemError } from '@slipway/core';
import type { ModelFacts, Protocol, Question, Reply } from './protocol.ts';

/** What a service reports about itself and its models, independent of the protocol. */
export interface Host {
  readonly name: string;
  readonly version: string;
  ready(): boolean;
  /**
   * @param version undefined for the endpoint as a whole
   * @throws ProblemError when the endpoint or version is unknown
   */
  model(name: string, version: string | undefined): ModelFacts;
  /** @throws ProblemError when the endpoint or version is unknown */
  modelReady(name: string, version: string | undefined): boolean;
}

/** The response to a question about the server or a model. Pure. */
export function answerQuestion(protocol: Protocol, question: Question, host: Host): Reply {
  try {
    switch (question.operation) {
      case 'server':
        return protocol.about.server(host.name, host.version);
      case 'live':
        return protocol.about.live();
      case 'ready':
        return protocol.about.ready(host.ready());
      case 'model':
        return protocol.about.model(host.model(question.endpoint, question.version));
      case 'modelReady':
        return protocol.about.modelReady(question.endpoint, host.modelReady(question.endpoint, question.version));
    }
  } catch (error) {
    if (error instanceof ProblemError) return protocol.refusal(error);
    throw error;
  }
}
