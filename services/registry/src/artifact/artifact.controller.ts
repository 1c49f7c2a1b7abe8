import { Controller, Res, StreamableFile } from '@nestjs/common';
import { registryApi } from '@slipway/contracts';
import { type Asked, Operation, steadyNow } from '@slipway/platform';
import type { FastifyReply } from 'fastify';
import { ArtifactStore } from './artifact.store.ts';

const { artifacts } = registryApi;

@Controller()
export class ArtifactController {
  private readonly artifacts: ArtifactStore;
  constructor(artifacts: ArtifactStore) {
    this.artifacts = artifacts;
  }

  @Operation(artifacts.put)
  put({ params: { sha256 }, body, caller }: Asked<typeof artifacts.put>) {
    return this.artifacts.put(sha256, body, caller, steadyNow());
  }

  @Operation(artifacts.get)
  async get({ params: { sha256 } }: Asked<typeof artifacts.get>, @Res({ passthrough: true }) reply: FastifyReply) {
    const { stream, bytes } = await this.artifacts.get(sha256);
    void reply.header('cache-control', 'public, immutable, max-age=31536000');
    return new StreamableFile(stream, { type: 'application/octet-stream', length: bytes });
  }
}
