/** One server-sent event. */
export type ServerEvent = { event: string; data: string };

/**
 * Takes the text of a stream of server-sent events apart.
 * @returns the events that are complete, and what is left over for the next piece
 */
export function splitEvents(text: string): { events: ServerEvent[]; rest: string } {
  const blocks = text.replaceAll('\r\n', '\n').split('\n\n');
  const rest = blocks.pop() ?? '';
  const events = blocks.flatMap((block) => {
    const fields = block.split('\n').map((line) => /^(event|data): ?(.*)$/.exec(line));
    const of = (name: string) => fields.flatMap((f) => (f?.[1] === name ? [f[2] as string] : []));
    const data = of('data');
    // A block of comments alone is a sign of life.
    return data.length > 0 ? [{ event: of('event').at(-1) ?? 'message', data: data.join('\n') }] : [];
  });
  return { events, rest };
}
