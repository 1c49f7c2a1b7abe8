import type { Target } from '@slipway/contracts';
import { Ejections, isOut, orderOf } from '@slipway/routing';

/** The router's own ejection code, with a clock that is passed in (milliseconds). */
export class EjectingRouter extends Ejections {
  private turn = 0;

  /** The addresses that a request of this version tries. @param beside the version of the other arm */
  order(target: Target, ejectedToo: boolean, beside: Target): string[] {
    const places = orderOf(target, [beside], { ejectedToo, states: this, turn: this.turn++ });
    for (const place of places) if (place.probe) this.claim(place.key);
    return places.map((p) => p.address);
  }

  /** Whether a request of this version would not be tried there now. */
  isOut(target: Target, beside: Target): boolean {
    return isOut(target, [beside], this);
  }
}
