/** One server-sent event. */
export type ServerEvent = { event: string; data: string };

/**
 * Parses the text of a stream of server-sent events.
 * @returns the complete events, and the rest of the text to put before the next piece
 */
export function splitEvents(text: string): { events: ServerEvent[]; rest: string } {
  const blocks = text.replaceAll('\r\n', '\n').split('\n\n');
  const rest = blocks.pop() ?? '';
  const events = blocks.flatMap((block) => {
    const fields = block.split('\n').map((line) => /^(event|data): ?(.*)$/.exec(line));
    const of = (name: string) => fields.flatMap((f) => (f?.[1] === name ? [f[2] as string] : []));
    const data = of('data');
    // A block of comments alone is a keep-alive.
    return data.length > 0 ? [{ event: of('event').at(-1) ?? 'message', data: data.join('\n') }] : [];
  });
  return { events, rest };
}
