import 'reflect-metadata';
import { Controller, Get, Post } from '@nestjs/common';
import { type Api, operation } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Needs } from './access.guard.ts';
import { apiFaults } from './check-api.ts';
import { type Asked, Operation } from './operation.ts';

const noteSchema = z.object({ id: z.string(), text: z.string() });
const params = { id: z.string() };
const get = operation({
  method: 'get',
  path: '/v1/notes/{id}',
  summary: '',
  role: 'viewer',
  params,
  response: noteSchema,
});
const put = operation({
  method: 'put',
  path: '/v1/notes/{id}',
  summary: '',
  role: 'operator',
  params,
  body: z.object({ text: z.string() }),
  response: noteSchema,
});
const api = { notes: { get, put } } satisfies Api;

@Controller()
class Notes {
  @Operation(get)
  get({ params: { id } }: Asked<typeof get>) {
    return { id, text: '' };
  }
  @Operation(put)
  async put({ params: { id }, body: { text } }: Asked<typeof put>) {
    return { id, text };
  }
}

describe('the controllers of a service', () => {
  it('serve its API when each operation has one handler', () => expect(apiFaults(api, [Notes])).toEqual([]));

  it('do not when an operation has no handler, two handlers, or belongs to another API', () => {
    class Second {
      @Operation(get)
      get({ params: { id } }: Asked<typeof get>) {
        return { id, text: 'another' };
      }
    }
    expect(apiFaults(api, [])).toEqual(['notes.get has no handler', 'notes.put has no handler']);
    expect(apiFaults(api, [Notes, Second])).toEqual(['notes.get has the handlers Notes.get and Second.get']);
    expect(apiFaults({ notes: { get } }, [Notes])).toEqual([
      'Notes.put is for an operation that is not in the API of this service',
    ]);
  });

  it('do not when a route is not an operation and does not declare who may call it', () => {
    class Beside {
      @Post('v1/notes')
      create() {
        return {};
      }
      @Get('healthz')
      @Needs('anyone')
      health() {
        return {};
      }
    }
    @Needs('caller')
    class Protocol {
      @Get('v2')
      server() {
        return {};
      }
    }
    expect(apiFaults({}, [Beside, Protocol])).toEqual([
      'Beside.create is a route that is not an operation, and does not declare with @Needs who may call it',
    ]);
  });

  it('do not compile when a handler takes or returns what the operation does not declare', () => {
    class Wrong {
      // @ts-expect-error: the answer has no text
      @Operation(get)
      get({ params: { id } }: Asked<typeof get>) {
        return { id };
      }
      // @ts-expect-error: the body of another operation
      @Operation(get)
      take({ params: { id }, body: { text } }: Asked<typeof put>) {
        return { id, text };
      }
    }
    expect(Wrong).toBeDefined();
  });
});
