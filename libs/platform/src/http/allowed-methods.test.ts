import { describe, expect, it } from 'vitest';
import { AllowedMethods } from './allowed-methods.ts';

const allowed = new AllowedMethods();
allowed.add('/v1/models', 'GET');
allowed.add('/v1/models', ['POST', 'HEAD']);
allowed.add('/v1/models/:model/versions/:version', 'DELETE');
allowed.add('/openapi.json', 'GET');

describe('the methods that a path allows', () => {
  it.each([
    ['/v1/models', ['GET', 'HEAD', 'POST']],
    ['/v1/models?limit=1', ['GET', 'HEAD', 'POST']],
    ['/v1/models/a%2Fb/versions/1', ['DELETE']],
    ['/v1/models/a/b/versions/1', []],
    ['/v1/models/', []],
    ['/openapi_json', []],
    ['', []],
  ])('of %s are %j', (path, methods) => expect(allowed.of(path)).toEqual(methods));
});
