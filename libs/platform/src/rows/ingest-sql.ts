import { type Row, type Topic, topics } from '@slipway/contracts';
import { columnsOf, quotedName } from './columns.ts';
import { linesColumns, readSql } from './read-sql.ts';

/**
 * For how long ClickHouse collects records before it writes them as one block, in milliseconds. When nothing has come
 * within that time it pauses before it collects again, and each time it builds the whole insert anew, views included,
 * which costs milliseconds of CPU: so streams that are mostly empty, and whose readers have time, pause for longer. A
 * row can be read after at most a pause and a flush, and a little for the writing.
 */
export const INGEST_FLUSH_MS = 400;
const PAUSE_MS = 400;
const LONG_PAUSE_MS = 1600;
const UNHURRIED: ReadonlySet<string> = new Set(['audit', 'retraining', 'dead_letters']);

/**
 * The statements after which ClickHouse reads a row's topic into its table. A Kafka table (`…_queue`) gives lines;
 * the view `…_read` finds the row in each, reads its fields, and says why it is refused, if it is; `…_ingest` sends
 * rows to the table and `…_refused` the others to `dead_letters`; `…_unknown` counts unknown values. Nothing in
 * them throws: an invalid line is refused without affecting the others of its record.
 *
 * Each line goes through a table that keeps nothing (`…_lines`): the engine reads the SQL of every view again at each
 * flush, and with the long expressions in one view instead of two a small stream costs less than a third.
 *
 * The queue goes first and comes back last: what its views were to take stays in Kafka meanwhile, and its offsets with
 * the consumer group. The table has to be there, and `slipway_row`. `${KAFKA_BROKERS}` stands for the brokers, and
 * `${TOPIC_PREFIX}` for what the deployment puts before the names of topics and groups.
 *
 * @param also statements for what else is kept of its rows: they run while nothing lands
 */
export function ingestStatements(row: Row, also: readonly string[] = []): string[] {
  const { table } = row;
  const topic = topicOf(row);
  const columns = columnsOf(row);
  const lines = `SELECT line, _headers.value[indexOf(_headers.name, 'ce_id')] AS ce_id,
                    coalesce(_timestamp_ms, now64(3)) AS arrived, _topic AS topic,
                    toUInt32(_partition) AS kafka_partition, _offset AS kafka_offset
                FROM slipway.${table}_queue
                WHERE line != ''`;
  return [
    `DROP TABLE IF EXISTS slipway.${table}_queue SYNC`,
    ...['read', 'ingest', 'refused', 'unknown'].map((view) => `DROP VIEW IF EXISTS slipway.${table}_${view} SYNC`),
    `DROP TABLE IF EXISTS slipway.${table}_lines SYNC`,
    `CREATE TABLE slipway.${table}_lines ${linesColumns(row)}
ENGINE = Null
COMMENT 'Lines of ${table}_queue on their way; always empty'`,
    `CREATE MATERIALIZED VIEW slipway.${table}_ingest TO slipway.${table} AS
SELECT
    ${columns.map((c) => `${c.value} AS ${quotedName(c.name)}`).join(',\n    ')}
FROM slipway.${table}_lines
WHERE refusal = ''
COMMENT 'Sends what arrives in ${table}_queue to ${table}'`,
    `CREATE MATERIALIZED VIEW slipway.${table}_refused TO slipway.dead_letters AS
SELECT lower(hex(SHA256(line))) AS event_id, 'clickhouse' AS consumer, topic, kafka_partition AS partition,
    kafka_offset AS \`offset\`, refusal AS reason, line AS raw, arrived AS arrived_at, kafka_partition, kafka_offset
FROM slipway.${table}_lines
WHERE refusal != ''
COMMENT 'Sends what ${table}_ingest refuses to dead_letters, with the reason'`,
    `CREATE MATERIALIZED VIEW slipway.${table}_unknown TO slipway.unknown_value_counts AS
SELECT '${table}' AS \`table\`, seen.1 AS \`column\`, seen.2 AS value, seen.3 AS within,
    uniqCombined64State(12)(fields.event_id) AS event_ids, min(arrived) AS first_arrived_at,
    max(arrived) AS last_arrived_at
FROM slipway.${table}_lines
ARRAY JOIN unknown AS seen
WHERE refusal = ''
GROUP BY \`column\`, value, within
COMMENT 'Counts the values in ${table} that are of no use as they are'`,
    ...also,
    `CREATE TABLE slipway.${table}_queue (line String COMMENT 'one row or CloudEvent as JSON, as it came')
ENGINE = Kafka
SETTINGS kafka_broker_list = '\${KAFKA_BROKERS}', kafka_topic_list = '\${TOPIC_PREFIX}${topic}',
    kafka_group_name = '\${TOPIC_PREFIX}clickhouse.${table.replace(/_/g, '-')}',
    kafka_format = 'LineAsString', kafka_thread_per_consumer = 1,
    kafka_flush_interval_ms = ${INGEST_FLUSH_MS}, kafka_poll_timeout_ms = ${INGEST_FLUSH_MS / 2},
    kafka_consumer_reschedule_ms = ${UNHURRIED.has(table) ? LONG_PAUSE_MS : PAUSE_MS}
COMMENT 'The ingest''s end of ${topic}; reading it would take the rows away: not for people'`,
    `CREATE MATERIALIZED VIEW slipway.${table}_read TO slipway.${table}_lines AS
${readSql(row, lines)}
COMMENT 'Reads what arrives in ${table}_queue'`,
  ];
}

/** The topic that carries a row. */
export function topicOf(row: Row): string {
  const topic = (Object.values(topics) as Topic[]).find((t) => t.schema === row.schema);
  if (!topic) throw new Error(`no topic carries the rows of ${row.table}`);
  return topic.name;
}
