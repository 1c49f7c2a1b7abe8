import type { Match, Protocol, TensorProtocol } from './interface/protocol.ts';
import { oip } from './oip/oip.ts';

/** Every supported protocol. */
export const protocols = [oip] as const satisfies readonly Protocol[];
/** The protocols that a worker can serve. */
export const tensorProtocols: readonly TensorProtocol[] = [oip];

/** The protocol named in a row, shadow request or shadow pair; undefined for an unknown name. */
export function protocolNamed(name: string): Protocol | undefined {
  return protocols.find((p) => p.name === name);
}

/** The protocol of a request and the operation it asks for; undefined when the path belongs to none. */
export function recognise<P extends Protocol = Protocol>(
  method: string,
  url: string,
  among: readonly P[],
): { protocol: P; match: Match } | undefined {
  for (const protocol of among) {
    const match = protocol.match(method, url);
    if (match) return { protocol, match };
  }
  return undefined;
}

/**
 * The outputs of an answer.
 * @param name its protocol; when empty, the first protocol that can read the answer is used
 */
export function outputsOf(answer: unknown, name = ''): ReturnType<Protocol['outputs']> {
  for (const protocol of protocols) {
    if (name !== '' && protocol.name !== name) continue;
    const outputs = protocol.outputs(answer);
    if (outputs) return outputs;
  }
  return undefined;
}
