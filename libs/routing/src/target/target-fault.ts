/**
 * Why no answer came. `dropped`: we gave the connection up ourselves. `overloaded`: too many wait for the target.
 * `withdrawn`: the candidate may not answer any more. `lease_expired`: whether it may is not known. `garbage`: what it
 * answers is no model's answer. `too_long`: it answers with more than is read.
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

/** Why no answer came from a target. */
export class TargetFault extends Error {
  override name = 'TargetFault';
  readonly code: FaultCode;
  constructor(code: FaultCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
