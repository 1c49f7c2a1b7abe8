import {
  applyDecorators,
  createParamDecorator,
  type ExecutionContext,
  HttpCode,
  RequestMapping,
  RequestMethod,
  SetMetadata,
} from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import {
  type AnswerOf,
  type BodyOf,
  type Operation as Declared,
  type ParamsOf,
  parseRequest,
  type QueryOf,
  type Role,
} from '@slipway/contracts';
import { ProblemError } from '@slipway/core';
import type { FastifyRequest } from 'fastify';
import type { KeyOwner } from '../access/access.ts';

/** The argument of a handler: the parts of the request as the operation declares them, and the caller. */
export type Asked<O extends Declared> = {
  params: ParamsOf<O>;
  query: QueryOf<O>;
  body: O['body'] extends 'bytes' ? NodeJS.ReadableStream : BodyOf<O>;
  /** Undefined only where a service asks its callers for no key. */
  caller: O['role'] extends Role ? KeyOwner : KeyOwner | undefined;
};

/**
 * The return value of a handler: the response body that the operation declares. Bytes and event streams are written by
 * the handler itself.
 */
type Given<O extends Declared> = O['response'] extends 'bytes' | { events: object }
  ? unknown
  : AnswerOf<O> | Promise<AnswerOf<O>> | (O['response'] extends undefined ? Promise<void> : never);
type Handler<O extends Declared> = (asked: Asked<O>, ...more: never[]) => Given<O>;

const METHOD = {
  get: RequestMethod.GET,
  put: RequestMethod.PUT,
  post: RequestMethod.POST,
  delete: RequestMethod.DELETE,
} as const;
const OPERATION = 'slipway:operation';

/**
 * Makes a method the handler of an operation: its route, status, access, and the parsed request as its first argument.
 * A method whose argument or return value differs from the declared ones does not compile.
 */
export function Operation<O extends Declared>(operation: O) {
  const { method, path, statuses } = operation;
  const route = applyDecorators(
    RequestMapping({ method: METHOD[method], path: path.replace(/\{(\w+)\}/g, ':$1') }),
    HttpCode(statuses[0]),
    RouteConfig({ operation }),
    SetMetadata(OPERATION, operation),
  );
  return <H extends Handler<O>>(target: object, name: string, descriptor: TypedPropertyDescriptor<H>): void => {
    route(target, name, descriptor);
    AskedParameter()(target, name, 0);
  };
}

/** The operation of a handler; undefined for any other method. */
export function handledBy(handler: object): Declared | undefined {
  return Reflect.getMetadata(OPERATION, handler) as Declared | undefined;
}

/** The operation of a request; undefined when its route is not an operation. */
export function operationOf(request: FastifyRequest): Declared | undefined {
  return (request.routeOptions?.config as { operation?: Declared } | undefined)?.operation;
}

export type AuthenticatedRequest = FastifyRequest & { caller?: KeyOwner };

/** The request that a guard or an interceptor is asked about; undefined where it is a batch of Kafka's. */
export function httpRequestOf(context: ExecutionContext): AuthenticatedRequest | undefined {
  return context.getType() === 'http' ? context.switchToHttp().getRequest<AuthenticatedRequest>() : undefined;
}

const AskedParameter = createParamDecorator((_: unknown, context: ExecutionContext) => {
  const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
  const operation = operationOf(request);
  if (!operation) throw new Error(`${request.method} ${request.url} is not an operation`);
  const parsed = parseRequest(operation, request);
  if (operation.body !== 'bytes') return { ...parsed, caller: request.caller };
  if (typeof (request.body as NodeJS.ReadableStream | undefined)?.pipe !== 'function')
    throw new ProblemError('unsupported_media_type', 'send the bytes with content-type: application/octet-stream');
  return { ...parsed, body: request.body, caller: request.caller };
});
