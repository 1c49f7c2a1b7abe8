type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

/**
 * The row in a record: the value itself, or the data of a CloudEvent 1.0. In structured mode (an object with
 * `specversion`, and the row in `data`) the event's `id`, `source`, `type` and `time` (RFC 3339; milliseconds since the
 * epoch in the row) fill fields that the row lacks. In binary mode the header `ce_id` fills a missing event_id.
 * ClickHouse's `slipway_row` does the same.
 */
export function rowOf(value: unknown, headers: Record<string, string>): unknown {
  if (!isObject(value)) return value;
  const structured = typeof value['specversion'] === 'string' && isObject(value['data']);
  const row = structured ? (value['data'] as Json) : value;
  const added: Json = {};
  const id = (structured && value['id']) || headers['ce_id'];
  if (id && (row['event_id'] === undefined || row['event_id'] === '')) added['event_id'] = id;
  if (structured) {
    for (const name of ['type', 'source'])
      if (row[name] === undefined && value[name] !== undefined) added[name] = value[name];
    const time = typeof value['time'] === 'string' ? Date.parse(value['time']) : Number.NaN;
    if (row['time'] === undefined && !Number.isNaN(time)) added['time'] = time;
  }
  return { ...row, ...added };
}
