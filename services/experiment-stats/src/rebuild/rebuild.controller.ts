import { Controller, Get, Param, UseGuards } from '@nestjs/common';
import { ViewerGuard } from '@slipway/platform';
import { type Rebuilt, RebuildStore } from './rebuild.store.ts';

/** A recorded verdict beside the one that the same rows give now. */
@UseGuards(ViewerGuard)
@Controller('v1/results')
export class RebuildController {
  private readonly store: RebuildStore;
  constructor(store: RebuildStore) {
    this.store = store;
  }

  @Get(':rollout/:evidence')
  get(@Param('rollout') rollout: string, @Param('evidence') evidence: string): Promise<Rebuilt> {
    return this.store.rebuild(rollout, evidence);
  }
}
