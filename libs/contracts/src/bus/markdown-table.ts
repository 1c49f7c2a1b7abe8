/** A Markdown table with aligned columns; the first row is the head. */
export function markdownTable(rows: readonly string[][]): string {
  const widths = rows[0]?.map((_, i) => Math.max(...rows.map((r) => r[i]?.length ?? 0))) ?? [];
  const line = (cells: readonly string[]) => `| ${cells.map((c, i) => c.padEnd(widths[i] ?? 0)).join(' | ')} |\n`;
  const [head = [], ...body] = rows;
  return [head, widths.map((w) => '-'.repeat(w)), ...body].map(line).join('');
}
