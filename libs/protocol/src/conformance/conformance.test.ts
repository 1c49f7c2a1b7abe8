import { describe, expect, it } from 'vitest';
import { protocols } from '../protocols.ts';
import { describeProtocol, oipDescription } from './conformance.fixture.ts';

const descriptions = [oipDescription];
for (const description of descriptions) describeProtocol(description);

describe('the suite', () => {
  it('runs on every protocol in the list', () => {
    expect(descriptions.map((d) => d.protocol.name)).toEqual(protocols.map((p) => p.name));
  });
});
