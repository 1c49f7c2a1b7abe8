/**
 * Why there was no answer. `dropped`: the router closed the connection. `overloaded`: too many requests wait for the
 * target. `withdrawn`: the candidate may not answer any more. `lease_expired`: it is unknown whether it may. `garbage`:
 * the response is not a model's answer. `too_long`: the response is longer than the limit.
 */
type FaultCode =
  | 'timeout'
  | 'connect'
  | 'broken'
  | 'withdrawn'
  | 'lease_expired'
  | 'dropped'
  | 'overloaded'
  | 'garbage'
  | 'too_long';

/** Thrown when a target gave no answer. */
export class TargetFault extends Error {
  override name = 'TargetFault';
  readonly code: FaultCode;
  constructor(code: FaultCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
