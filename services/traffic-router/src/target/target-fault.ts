/** Why no answer came from a target. */
export class TargetFault extends Error {
  override name = 'TargetFault';
  /**
   * `dropped`: we gave the connection up ourselves. `overloaded`: too many wait for it. `withdrawn`: the candidate may
   * not answer any more. `lease_expired`: whether it may is not known. `garbage`: what it
   * answers is no inference's answer.
   */
  readonly code:
    | 'timeout'
    | 'connect'
    | 'broken'
    | 'withdrawn'
    | 'lease_expired'
    | 'dropped'
    | 'overloaded'
    | 'garbage';
  constructor(code: TargetFault['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
