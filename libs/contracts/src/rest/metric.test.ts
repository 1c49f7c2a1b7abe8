import { describe, expect, it } from 'vitest';
import { openApiDocument } from './openapi.ts';
import { registryApi } from '../operations/apis.ts';
import { metricInputSchema } from '../operations/metrics.ts';
import { builtInMetrics, metricSchema } from '@slipway/release';

const conversion = { kind: 'proportion', source: { outcome: 'purchase' }, direction: 'higher' };
const faults = (metric: object) => metricInputSchema.safeParse(metric).error?.issues.map((i) => i.path.join('.')) ?? [];

describe('a metric declares what it is divided by', () => {
  it('as exposed or observed when it reads an outcome: there is no default', () => {
    for (const per of ['exposed', 'observed']) expect(faults({ ...conversion, per })).toEqual([]);
    expect(faults(conversion)).toEqual(['per']);
    expect(faults({ ...conversion, per: 'requests' })).toEqual(['per']);
    expect(metricInputSchema.safeParse(conversion).error?.issues[0]?.message).toMatch(/"exposed".*"observed"/);
  });
  it('but not when it reads a field, like the built-in ones', () => {
    const errors = { kind: 'proportion', source: { field: 'error' }, direction: 'lower' };
    expect(faults(errors)).toEqual([]);
    expect(faults({ ...errors, per: 'observed' })).toEqual(['per']);
    for (const metric of builtInMetrics) expect(metricSchema.parse(metric)).toEqual(metric);
  });
  it.each(['0s', '0ms', '91d', '5 minutes', ''])('and is refused with a window of %j', (window) => {
    expect(faults({ ...conversion, per: 'exposed', window })).toEqual(['window']);
  });
  it('and has a window of up to 90 days, of an hour by default', () => {
    expect(metricInputSchema.parse({ ...conversion, per: 'exposed' }).window).toBe('1h');
    expect(metricInputSchema.parse({ ...conversion, per: 'exposed', window: '90d' }).window).toBe('90d');
  });
  it('as the description of the API says', () => {
    const described = JSON.stringify(
      (openApiDocument({ title: 'x', version: '1' }, registryApi) as { paths: Record<string, unknown> }).paths[
        '/v1/metrics/{name}'
      ],
    );
    expect(described).toContain('"per":{');
    expect(described).toContain('Required of an outcome, refused of a field');
  });
});
