import { expect, it } from 'vitest';
import { splitEvents } from './events.ts';

it('parses events wherever the stream is cut, and leaves out keep-alive comments', () => {
  const stream =
    ': alive\n\nevent: rollout\ndata: {"id":1}\n\n: alive\n\nevent: evidence\r\ndata: {\r\ndata: }\r\n\r\ndata: x\n\n';
  for (let cut = 0; cut <= stream.length; cut++) {
    const first = splitEvents(stream.slice(0, cut));
    const second = splitEvents(first.rest + stream.slice(cut));
    expect([...first.events, ...second.events]).toEqual([
      { event: 'rollout', data: '{"id":1}' },
      { event: 'evidence', data: '{\n}' },
      { event: 'message', data: 'x' },
    ]);
    expect(second.rest).toBe('');
  }
});
