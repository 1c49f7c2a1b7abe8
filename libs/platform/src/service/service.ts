import 'reflect-metadata';
import type { Server } from 'node:http';
import { type DynamicModule, Module, type Provider, type Type } from '@nestjs/common';
import { APP_GUARD, ModulesContainer, NestFactory } from '@nestjs/core';
import type { CustomTransportStrategy } from '@nestjs/microservices';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type Api, openApiDocument } from '@slipway/contracts';
import type { FastifyInstance } from 'fastify';
import { Access } from '../access/access.ts';
import type { CommonConfig } from '../process/config.ts';
import { boundBodies, refuseEarly } from '../http/bodies.guard.ts';
import { ByteBudget } from '../http/byte-budget.ts';
import { createListener, drain, type HotHandler, type Listener, refuseBytes } from '../http/listener.proxy.ts';
import { HealthController, READINESS, type ReadinessCheck } from '../http/health.controller.ts';
import { answerFrameworkError, ProblemFilter } from '../http/problem-filter.ts';
import { RethrowFilter } from '../kafka/kafka-batch.consumer.ts';
import { observeRequests } from '../http/observe.ts';
import { createLogger, type Logger, nestLogger } from '../process/log.ts';
import { AccessGuard } from '../rest/access.guard.ts';
import { apiFaults } from '../rest/check-api.ts';
import { OPENAPI, OpenApiController } from '../rest/openapi.controller.ts';

export type ServiceContext = {
  /** Name of the service. */
  name: string;
  log: Logger;
  onClose: (name: string, close: () => Promise<void> | void) => void;
};

export type ServiceParts = {
  /** Authorisation of callers. */
  access: Access;
  /** Its REST API. The service does not start unless its controllers serve exactly these operations. */
  api?: Api;
  providers?: Provider[];
  controllers?: Type[];
  readiness?: ReadinessCheck[];
  /** Kafka consumers as Nest microservices. */
  transports?: CustomTransportStrategy[];
  /** Handles a request before Nest; returns true when it has. Used by hot paths. */
  hotHandler?: HotHandler;
  /** Called once requests are accepted. */
  started?: () => void | Promise<void>;
};

@Module({})
class ServiceModule {}

/** Limit in bytes on all JSON bodies together that the service has read and not answered, excluding the hot path. */
const MOST_BODY_BYTES = 256 * 1024 ** 2;
/** At a stop, requests under way are answered if that takes no longer than this. */
const DRAIN_MS = 8000;
/** Longest duration of a stop, even when something hangs. */
const STOP_MS = 18_000;

/**
 * The life cycle of every service: build its parts, accept requests, and on SIGTERM or SIGINT answer what is under way,
 * stop consuming, flush and close, in the reverse order of `onClose`. An unexplained error ends the process with status
 * 1; the supervisor restarts it.
 */
export async function runService<C extends CommonConfig>(
  name: string,
  config: C,
  build: (config: C, context: ServiceContext) => Promise<ServiceParts>,
): Promise<void> {
  const log = createLogger(name, config.INSTANCE_ID, config.LOG_LEVEL);
  const closers: { name: string; close: () => Promise<void> | void }[] = [];
  let app: NestFastifyApplication | undefined;
  let stopping = false;
  const stop = async (why: string, code: number) => {
    if (stopping) return;
    stopping = true;
    log.info({ why }, 'stopping');
    const deadline = setTimeout(() => process.exit(1), STOP_MS);
    deadline.unref();
    if (app && code === 0) await drain(app.getHttpServer() as Server, DRAIN_MS);
    await app?.close().catch((error: unknown) => log.error({ err: error }, 'closing the application failed'));
    for (const c of closers.reverse())
      await Promise.resolve()
        .then(c.close)
        .catch((error: unknown) => log.error({ err: error, part: c.name }, 'closing failed'));
    process.exit(code);
  };
  process.on('SIGTERM', () => void stop('SIGTERM', 0));
  process.on('SIGINT', () => void stop('SIGINT', 0));
  // The supervisor holds the other end of stdin: when it ends, this process ends too.
  if (process.channel) process.on('disconnect', () => void stop('the supervisor has ended', 0));
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'unexplained error');
    void stop('unexplained error', 1);
  });
  process.on('unhandledRejection', (error) => {
    log.fatal({ err: error }, 'unexplained rejection');
    void stop('unexplained rejection', 1);
  });

  const parts = await build(config, { name, log, onClose: (part, close) => closers.push({ name: part, close }) });
  const options = {
    bodyLimit: 8 * 1024 * 1024,
    // Request ids have up to 128 characters, each of up to nine bytes when percent-encoded.
    routerOptions: { maxParamLength: 1152 },
    forceCloseConnections: true,
    serverFactory: (handler: Listener): Server => createListener(handler, parts.hotHandler, log),
    clientErrorHandler: refuseBytes,
    frameworkErrors: answerFrameworkError,
  };
  // Fastify's own types would require HTTP/2 support everywhere.
  const adapter = new FastifyAdapter(options as unknown as ConstructorParameters<typeof FastifyAdapter>[0]);
  const fastify = adapter.getInstance() as unknown as FastifyInstance;
  observeRequests(fastify, log);
  refuseEarly(fastify);
  boundBodies(fastify, new ByteBudget(MOST_BODY_BYTES));
  const module: DynamicModule = {
    module: ServiceModule,
    controllers: [HealthController, ...(parts.api ? [OpenApiController] : []), ...(parts.controllers ?? [])],
    providers: [
      { provide: READINESS, useValue: parts.readiness ?? [] },
      { provide: OPENAPI, useValue: openApiDocument({ title: `Slipway ${name}`, version: '0.1.0' }, parts.api ?? {}) },
      { provide: Access, useValue: parts.access },
      { provide: APP_GUARD, useClass: AccessGuard },
      ...(parts.providers ?? []),
    ],
  };
  app = await NestFactory.create<NestFastifyApplication>(module, adapter, { logger: nestLogger(log) });
  requireApi(app, parts.api ?? {});
  app.useGlobalFilters(new ProblemFilter(log));
  for (const strategy of parts.transports ?? [])
    app.connectMicroservice({ strategy }, { deferInitialization: true }).useGlobalFilters(new RethrowFilter());
  await app.startAllMicroservices();
  await app.listen(config.PORT, config.HOST);
  await parts.started?.();
  log.info({ port: config.PORT }, 'started');
}

/** @throws Error naming the operations that the controllers do not serve, and the routes outside the API */
function requireApi(app: NestFastifyApplication, api: Api): void {
  const controllers = [...app.get(ModulesContainer).values()].flatMap((m) =>
    [...m.controllers.values()].flatMap(({ metatype }) => (typeof metatype === 'function' ? [metatype] : [])),
  );
  const faults = apiFaults(api, controllers as Type[]);
  if (faults.length > 0) throw new Error(`the controllers do not match the API: ${faults.join('; ')}`);
}
