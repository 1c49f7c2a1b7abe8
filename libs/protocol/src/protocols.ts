import type { Match, Protocol, TensorProtocol } from './interface/protocol.ts';
import { oip } from './oip/oip.ts';

/** Every protocol that is spoken here. */
export const protocols = [oip] as const satisfies readonly Protocol[];
/** Those that a worker can serve. */
export const tensorProtocols: readonly TensorProtocol[] = [oip];

/** The protocol that a row, a request of the shadow or a pair names; undefined for any other name. */
export function protocolNamed(name: string): Protocol | undefined {
  return protocols.find((p) => p.name === name);
}

/** Which of the protocols a request speaks, and what it asks for; undefined when the path belongs to none. */
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

/** The outputs of an answer. @param name of the protocol that it speaks; whichever fits when empty */
export function outputsOf(answer: unknown, name = ''): ReturnType<Protocol['outputs']> {
  for (const protocol of protocols) {
    if (name !== '' && protocol.name !== name) continue;
    const outputs = protocol.outputs(answer);
    if (outputs) return outputs;
  }
  return undefined;
}
