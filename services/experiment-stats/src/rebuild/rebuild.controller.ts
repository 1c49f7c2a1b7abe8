import { Controller } from '@nestjs/common';
import { statsApi } from '@slipway/contracts';
import { type Asked, Operation } from '@slipway/platform';
import { RebuildStore } from './rebuild.store.ts';

const { rebuilds } = statsApi;

/** A recorded verdict beside the one that the same rows give now. */
@Controller()
export class RebuildController {
  private readonly store: RebuildStore;
  constructor(store: RebuildStore) {
    this.store = store;
  }

  @Operation(rebuilds.get)
  get({ params: { rollout, evidence } }: Asked<typeof rebuilds.get>) {
    return this.store.rebuild(rollout, evidence);
  }
}
