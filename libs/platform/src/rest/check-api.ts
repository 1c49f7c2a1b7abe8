import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/internal';
import { type Api, operationsOf } from '@slipway/contracts';
import { saysNeeds } from './access.guard.ts';
import { handledBy } from './operation.ts';

type Controller = { name: string; prototype: object };

/**
 * Why controllers do not serve an API, one line each; empty when they do. Every operation must have exactly one
 * handler, every handler must be for an operation of the API, and every other route must declare who may call it.
 */
export function apiFaults(api: Api, controllers: readonly Controller[]): string[] {
  const faults: string[] = [];
  const operations = operationsOf(api);
  const handlers = new Map<object, string[]>();
  for (const controller of controllers)
    for (const [name, method] of methodsOf(controller)) {
      const place = `${controller.name}.${name}`;
      const operation = handledBy(method);
      if (operation) handlers.set(operation, [...(handlers.get(operation) ?? []), place]);
      else if (isRoute(method) && !saysNeeds(controller, method))
        faults.push(`${place} is a route that is not an operation, and does not declare with @Needs who may call it`);
    }
  for (const { name, operation } of operations) {
    const places = handlers.get(operation) ?? [];
    if (places.length !== 1)
      faults.push(`${name} has ${places.length === 0 ? 'no handler' : `the handlers ${places.join(' and ')}`}`);
    handlers.delete(operation);
  }
  for (const [, places] of handlers)
    for (const place of places) faults.push(`${place} is for an operation that is not in the API of this service`);
  return faults;
}

function methodsOf({ prototype }: Controller): [string, object][] {
  return Object.entries(Object.getOwnPropertyDescriptors(prototype)).flatMap(([name, { value }]) =>
    typeof value === 'function' && name !== 'constructor' ? [[name, value as object]] : [],
  );
}

const isRoute = (method: object) =>
  Reflect.getMetadata(PATH_METADATA, method) !== undefined &&
  Reflect.getMetadata(METHOD_METADATA, method) !== undefined;
