import { anyOf } from './any-of.ts';
import { isReadableFunction } from './readable-functions.ts';
import type { Node, Token } from './tree.ts';

// `EXPLAIN AST` prints the children of a node, but not its other members, such as the function or lambda of APPLY and
// the WHERE of SHOW. The text as formatted by the engine is therefore checked as well: everything in it that looks like
// a call must be allowed, and it may contain nothing that the tree does not have.

/** Words that may precede a bracket without calling anything. */
const BEFORE_BRACKETS = new Set(
  `SELECT DISTINCT ON AS FROM JOIN USING WHERE PREWHERE HAVING QUALIFY BY SETS CUBE ROLLUP LIMIT OFFSET STEP TO
  AND OR NOT IN LIKE ILIKE BETWEEN IS CASE WHEN THEN ELSE EXISTS ANY ALL OVER FILTER INTERVAL UNION EXCEPT INTERSECT
  COLUMNS REPLACE STRICT APPLY INTERPOLATE EXPLAIN TABLE DESCRIBE AST SYNTAX TREE PLAN PIPELINE ESTIMATE QUERY
  ARRAY WITH PASTE CROSS DIV MOD GLOBAL VALUES`.split(/\s+/),
);
const TYPES = anyOf(`
  Array Tuple Map Nullable LowCardinality (Simple)?AggregateFunction Variant Nested JSON Dynamic FixedString Decimal\\d*
  DateTime(32|64)? Time64 Enum(8|16)? QBit
`);

/** Why parts that the tree does not show may not run; `undefined` when they may. Pure. */
export function hiddenRefusal(
  statement: Node,
  words: readonly Token[],
  isTableFunction: (name: string) => boolean,
): string | undefined {
  const show = inTree(statement, (n) => /^Show(Tables|Columns|Functions)$/.test(n.kind)) > 0;
  return (
    (show ? showRefusal(words) : undefined) ?? callRefusal(words, isTableFunction) ?? countRefusal(statement, words)
  );
}

/** SHOW with a pattern and a number of rows at most. */
function showRefusal(words: readonly Token[]): string | undefined {
  if (!words.some((w, i) => i < 4 && /^(TABLES|DATABASES|COLUMNS|FUNCTIONS|SETTINGS)$/i.test(w.text)))
    return 'an analyst may SHOW TABLES, DATABASES, COLUMNS, FUNCTIONS and SETTINGS';
  for (const [i, { kind, text }] of words.entries()) {
    if (text === '(' || (kind === 'word' && /^WHERE$/i.test(text))) return 'SHOW takes LIKE, but not WHERE';
    const after = words[i + 2];
    if (kind !== 'word' || !/^LIMIT$/i.test(text)) continue;
    if (words[i + 1]?.kind !== 'number' || (after && !/^(FORMAT|SETTINGS)$/i.test(after.text)))
      return 'SHOW takes LIMIT with a number';
  }
  return undefined;
}

function callRefusal(words: readonly Token[], isTableFunction: (name: string) => boolean): string | undefined {
  for (const [i, token] of words.entries()) {
    if (token.kind !== 'word' && token.kind !== 'quoted') continue;
    const name = token.kind === 'quoted' ? token.text.slice(1, -1) : token.text;
    if (token.kind === 'word' && /^APPLY$/i.test(name)) {
      const at = words[i + 1]?.text === '(' ? i + 2 : i + 1;
      const [applied, next] = [words[at], words[at + 1]];
      if (applied?.kind !== 'word' || next?.text === '-' || !isReadableFunction(applied.text))
        return 'APPLY takes the name of a function';
    }
    if (words[i + 1]?.text !== '(') continue;
    // `AS t(a, b)` names columns.
    const named = /^AS$/i.test(words[i - 1]?.text ?? '');
    const bracketed = token.kind === 'word' && BEFORE_BRACKETS.has(name.toUpperCase());
    if (!named && !bracketed && !TYPES.test(name) && !isReadableFunction(name) && !isTableFunction(name))
      return `analysts may not use the function ${name}`;
  }
  return undefined;
}

function countRefusal(statement: Node, words: readonly Token[]): string | undefined {
  const inText = (word: RegExp) => words.filter((w) => w.kind === 'word' && word.test(w.text)).length;
  if (inText(/^SELECT$/i) !== inTree(statement, (n) => n.kind === 'SelectQuery'))
    return 'a SELECT is in a place where it cannot be checked';
  const sets = inTree(statement, (n) => n.kind === 'Function' && /^(global)?(not)?in$/i.test(n.text));
  return inText(/^IN$/i) > sets ? 'an IN is in a place where it cannot be checked' : undefined;
}

const inTree = (node: Node, has: (node: Node) => boolean): number =>
  node.children.reduce((n, child) => n + inTree(child, has), has(node) ? 1 : 0);
