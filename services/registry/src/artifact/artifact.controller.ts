import { Body, Controller, Get, Param, Put, Res, StreamableFile } from '@nestjs/common';
import { parseOrProblem, ProblemError, sha256Schema } from '@slipway/core';
import { steadyNow } from '@slipway/platform';
import type { FastifyReply } from 'fastify';
import { Readable } from 'node:stream';
import { z } from 'zod';
import { Caller, Needs } from '../access/access.controller.ts';
import type { Actor } from '../actor/actor.ts';
import { ArtifactStore } from './artifact.store.ts';

const path = z.object({ sha256: sha256Schema });

@Controller('v1/artifacts')
export class ArtifactController {
  private readonly artifacts: ArtifactStore;
  constructor(artifacts: ArtifactStore) {
    this.artifacts = artifacts;
  }

  @Put(':sha256')
  @Needs('publisher')
  put(@Param() params: unknown, @Body() body: unknown, @Caller() actor: Actor) {
    const { sha256 } = parseOrProblem(path, params);
    if (!(body instanceof Readable))
      throw new ProblemError('unsupported_media_type', 'send the bytes with content-type: application/octet-stream');
    return this.artifacts.put(sha256, body, actor, steadyNow());
  }

  @Get(':sha256')
  @Needs('viewer')
  async get(@Param() params: unknown, @Res({ passthrough: true }) reply: FastifyReply) {
    const { stream, bytes } = await this.artifacts.get(parseOrProblem(path, params).sha256);
    void reply.header('cache-control', 'public, immutable, max-age=31536000');
    return new StreamableFile(stream, { type: 'application/octet-stream', length: bytes });
  }
}
