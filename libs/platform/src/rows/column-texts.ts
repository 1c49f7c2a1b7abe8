/** What stands behind the type of a column in a table's definition. */
const PARTS = ['DEFAULT', 'CODEC', 'TTL'] as const;

const QUOTED = /'(?:[^'\\]|\\.|'')*'|`(?:[^`\\]|\\.|``)*`/y;

/**
 * The columns of a CREATE TABLE as ClickHouse itself writes it out, by name: each one's type, default, codec and TTL,
 * without its comment.
 */
export function columnTexts(create: string): Map<string, string> {
  const columns: string[] = [''];
  let depth = 0;
  for (let at = create.indexOf('('); at < create.length; at++) {
    QUOTED.lastIndex = at;
    const quoted = QUOTED.exec(create)?.[0];
    const sign = quoted ?? (create[at] as string);
    if (quoted) at += quoted.length - 1;
    if (sign === ')' && --depth === 0) break;
    if (sign === ',' && depth === 1) columns.push('');
    else if (depth > 0) columns[columns.length - 1] += sign;
    if (sign === '(') depth++;
  }
  return new Map(
    columns.flatMap((text) => {
      const found = /^\s*`([^`]+)` (.*)$/s.exec(text);
      return found ? [[found[1] as string, withoutComment(found[2] as string)] as const] : [];
    }),
  );
}

const withoutComment = (text: string) => text.replace(/ COMMENT '(?:[^'\\]|\\.|'')*'/, '');

/** The parts that a column's text has and its declaration does not: they have to be removed. */
export function surplusParts(text: string, declared: string): string[] {
  const has = (column: string, part: string) =>
    new RegExp(` ${part}\\b`).test(column.replace(/'(?:[^'\\]|\\.|'')*'/g, "''"));
  return PARTS.filter((part) => has(text, part) && !has(declared, part));
}
