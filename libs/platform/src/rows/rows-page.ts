import type { Row } from '@slipway/contracts';
import { markdownTable } from '@slipway/contracts/generated';
import { columnsOf } from './columns.ts';
import { topicOf } from './ingest-sql.ts';

const INTRODUCTION = `# Rows

<!-- Made by \`npm run docs\` from libs/contracts/src/rows; a unit test fails when it is out of date. -->

Each of these is a row in a table of ClickHouse, and a line of JSON on the topic that ClickHouse reads it from. Each
field is declared once, in \`libs/contracts/src/rows\`: the declaration makes its column, what reads it from a line,
and this page. A line that lacks what is needed is refused: it goes to \`dead_letters\`, with the reason. So is one
with a value of another type, or a number out of range, in a field that is needed or marked \`!\`: verdicts, counts
or keys go by it. Elsewhere such a value lands as the field's default; a number or truth value where a text should be
lands as text; and a value that an enumeration does not know lands as it is. The view \`unknown_values\` counts them
all. \`null\` is as if the field were left out.
`;

/** The content of `docs/rows.md`. */
export function rowsPage(rows: readonly Row[]): string {
  return [INTRODUCTION, ...rows.map(section)].join('\n');
}

function section(row: Row): string {
  const body = columnsOf(row).map((c) => [code(c.name), code(c.type), inLine(row, c.name), cell(c.comment)]);
  const lines = markdownTable([['column', 'type', 'in the line', 'meaning'], ...body]);
  return `## ${row.table}\n\n${row.comment}.\nTopic \`${topicOf(row)}\`.\n\n${lines}`;
}

function inLine(row: Row, column: string): string {
  const field = row.fields.find((f) => (f.as ?? f.name) === column);
  if (!field) return row.derived.some((d) => d.name === column) ? 'worked out' : 'from Kafka';
  const named = field.as ? `${code(field.name)}, ` : '';
  if (field.required) return `${named}needed`;
  const absent = field.schema.safeParse(undefined);
  const otherwise = absent.success && absent.data !== undefined ? JSON.stringify(absent.data) : '""';
  return `${named}else ${code(otherwise)}${field.decides ? ' !' : ''}`;
}

const code = (text: string) => `\`${text}\``;
const cell = (text: string) => text.replace(/\|/g, '\\|');
