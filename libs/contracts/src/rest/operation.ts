import { parseOrProblem, ProblemError } from '@slipway/core';
import { z } from 'zod';
import type { Role } from './roles.ts';

/** The credential that a request needs: a key of a role, or any key if the service requires keys (`caller`). */
export type Needed = Role | 'caller';
type Fields = Readonly<Record<string, z.ZodType>>;
/** A stream of server-sent events: the schema of each kind of event, by name. */
export type EventsOf = { readonly events: Fields };

/**
 * One operation of a REST API as one value: its route, who may call it, its parameters, body and response. The
 * controller, the OpenAPI document, access control and the client are all made from it.
 */
export type Operation<
  Params extends Fields = Fields,
  Query extends Fields = Fields,
  Body extends z.ZodType | 'bytes' | undefined = z.ZodType | 'bytes' | undefined,
  Answer extends z.ZodType | 'bytes' | EventsOf | undefined = z.ZodType | 'bytes' | EventsOf | undefined,
  Needs extends Needed = Needed,
> = {
  readonly method: 'get' | 'put' | 'post' | 'delete';
  /** Contains `{name}` for each of `params`. */
  readonly path: string;
  readonly summary: string;
  readonly role: Needs;
  readonly params: z.ZodObject<Params>;
  /** Each may be left out. */
  readonly query: z.ZodObject<Query>;
  readonly body: Body;
  readonly response: Answer;
  /** Statuses of a success; the first one is used unless the handler chooses another. */
  readonly statuses: readonly [number, ...number[]];
  /** Whether repeating it has no further effect: always, or with the same `Idempotency-Key`. */
  readonly repeatable: 'always' | 'by key' | 'never';
  /** When the body decides: the role needed instead of `role` for a value of a field. */
  readonly roleBy: { readonly field: string; readonly roles: Readonly<Record<string, Role>> } | undefined;
  /** Fields of the answer that are given only once and never stored with the request. */
  readonly once: readonly string[];
};

/** The operations of a service by resource and name, such as `rollouts.create`. */
export type Api = Readonly<Record<string, Readonly<Record<string, Operation>>>>;

/** Every operation of an API with its name, such as `rollouts.create`. */
export function operationsOf(api: Api): { name: string; operation: Operation }[] {
  return Object.entries(api).flatMap(([resource, operations]) =>
    Object.entries(operations).map(([name, operation]) => ({ name: `${resource}.${name}`, operation })),
  );
}

type Named<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}` ? Name | Named<Rest> : never;
/** A schema for each name in the path, and no other. */
type OfPath<Path extends string, Params> = [Named<Path>] extends [never]
  ? { params?: undefined }
  : {
      params: Params & Record<Named<Path>, z.ZodType> & Partial<Record<Exclude<keyof Params, Named<Path>>, never>>;
    };

const STATUS = { get: 200, put: 200, post: 201, delete: 204 } as const;

/**
 * Declares an operation.
 * @param declared `params` has a schema for each name in the path, and no other. Without `status` a POST answers 201, a
 * DELETE 204 and the rest 200. `repeatable` of a POST is `by key` when the service stores Idempotency-Keys.
 */
export function operation<
  const Path extends string,
  const Needs extends Needed,
  Params extends Fields = Record<never, never>,
  Query extends Fields = Record<never, never>,
  Body extends z.ZodType | 'bytes' | undefined = undefined,
  Answer extends z.ZodType | 'bytes' | EventsOf | undefined = undefined,
>(
  declared: {
    method: Operation['method'];
    path: Path;
    summary: string;
    role: Needs;
    query?: z.ZodObject<Query>;
    body?: Body;
    response?: Answer;
    status?: number | readonly [number, ...number[]];
    repeatable?: Operation['repeatable'];
    roleBy?: Operation['roleBy'];
    once?: readonly string[];
  } & OfPath<Path, Params>,
): Operation<Params, Query, Body, Answer, Needs> {
  const { method, path, summary, role, params, query, body, response, status, repeatable, roleBy, once } = declared;
  return {
    method,
    path,
    summary,
    role,
    params: z.object((params ?? {}) as unknown as Params),
    query: query ?? z.object({} as Query),
    body: body as Body,
    response: response as Answer,
    statuses: [status ?? STATUS[method]].flat() as [number, ...number[]],
    repeatable: repeatable ?? (method === 'post' ? 'by key' : 'always'),
    roleBy,
    once: once ?? [],
  };
}

/** Zod's own type for an object without fields would have any field, of type `never`. */
type Output<S extends z.ZodObject> = keyof S['shape'] extends never ? Record<never, never> : z.output<S>;

/** The parsed parts of a request. A binary body has the type of whatever the server reads it with. */
export type ParamsOf<O extends Operation> = Output<O['params']>;
export type QueryOf<O extends Operation> = Output<O['query']>;
export type BodyOf<O extends Operation> = O['body'] extends z.ZodType ? z.output<O['body']> : undefined;
/** Type of a JSON body before it is parsed: fields with defaults may be left out. */
export type SentBodyOf<O extends Operation> = O['body'] extends z.ZodType ? z.input<O['body']> : undefined;
export type AnswerOf<O extends Operation> = O['response'] extends z.ZodType ? z.output<O['response']> : undefined;

/** The role that a request needs; for a body that is not an object, the operation's own role. */
export function roleNeeded(operation: Operation, body: unknown): Needed {
  const { field = '', roles = {} } = operation.roleBy ?? {};
  const value = (body as Record<string, unknown> | null | undefined)?.[field];
  return (typeof value === 'string' && Object.hasOwn(roles, value) ? roles[value] : undefined) ?? operation.role;
}

/** @throws ProblemError invalid_request naming every query parameter that the operation does not declare */
export function checkQuery(operation: Operation, query: object): void {
  const known = Object.keys(operation.query.shape);
  const errors = Object.keys(query)
    .filter((name) => !known.includes(name))
    .map((field) => ({
      field,
      message: `is not a parameter of this operation; ${known.join(', ') || 'none'} may be given`,
    }));
  if (errors.length > 0)
    throw new ProblemError('invalid_request', errors.map((e) => `${e.field}: ${e.message}`).join('; '), { errors });
}

/** Whether a request to the operation may lack a body. */
export function mayLackBody({ body }: Operation): boolean {
  return body !== 'bytes' && (body === undefined || body.safeParse(undefined).success);
}

/**
 * Parses the parts of a request as the operation declares them; a binary body is not checked.
 * @throws ProblemError invalid_request naming every invalid field of the first invalid part
 */
export function parseRequest<O extends Operation>(
  operation: O,
  raw: { params: unknown; query: unknown; body: unknown },
): { params: ParamsOf<O>; query: QueryOf<O>; body: BodyOf<O> } {
  const { params, query, body } = operation;
  return {
    params: parseOrProblem(params, raw.params ?? {}) as ParamsOf<O>,
    query: parseOrProblem(query, raw.query ?? {}) as QueryOf<O>,
    // JSON null also counts as no body.
    body: (body instanceof z.ZodType ? parseOrProblem(body, raw.body ?? undefined) : undefined) as BodyOf<O>,
  };
}

/** Path and query of a request. @param values of the names in the path; the others become query parameters */
export function pathOf({ path }: Operation, values: Readonly<Record<string, unknown>> = {}): string {
  const rest = new Map(Object.entries(values).filter(([, value]) => value !== undefined));
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = rest.get(name);
    rest.delete(name);
    return encodeURIComponent(String(value));
  });
  const query = [...rest].map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join('&');
  return query === '' ? filled : `${filled}?${query}`;
}
