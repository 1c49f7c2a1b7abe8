/** One node of ClickHouse's syntax tree, as `EXPLAIN AST` prints it: `Function file (children 1)`. */
export type Node = { kind: string; text: string; alias: string; children: Node[] };

const ALIAS = ' (alias ';

/**
 * Parses `EXPLAIN AST`: one node a line, one space of indentation for each level. Pure.
 * @throws Error when a node has fewer children than it says: part of the tree is missing
 */
export function readTree(printed: string): Node {
  const root: Node = { kind: '', text: '', alias: '', children: [] };
  const open: Node[] = [root];
  const said = new Map<Node, number>();
  for (const line of printed.split('\n')) {
    if (line.trim() === '') continue;
    const depth = line.length - line.trimStart().length;
    const [, kind = '', rest = ''] = /^(\S+)\s?(.*)$/s.exec(line.trimStart()) ?? [];
    const bare = rest.replace(/ ?\(children \d+\)$/, '');
    const at = kind !== 'Literal' && bare.endsWith(')') ? bare.indexOf(ALIAS) : -1;
    const alias = at < 0 ? '' : bare.slice(at + ALIAS.length, -1);
    const node: Node = { kind, text: alias ? bare.slice(0, at) : bare, alias, children: [] };
    open.length = Math.min(open.length, depth + 1);
    (open[open.length - 1] as Node).children.push(node);
    open.push(node);
    said.set(node, Number(/\(children (\d+)\)$/.exec(rest)?.[1] ?? 0));
  }
  for (const [node, children] of said)
    if (node.children.length !== children)
      throw new Error(`${node.kind} has ${node.children.length} of ${children} parts`);
  return root;
}

export type Token = { kind: 'word' | 'quoted' | 'string' | 'number' | 'sign'; text: string };

/** The tokens of a statement, in the order in which they are tried. */
const PARTS = [
  /\s+/,
  /'(?:[^'\\]|\\.|'')*'/,
  /`(?:[^`\\]|\\.|``)*`/,
  /"(?:[^"\\]|\\.|"")*"/,
  /[\p{L}_][\p{L}\p{N}_$]*/u,
  /\d[\w.]*/,
  /\p{M}/u,
  /[^\s]/,
];

/**
 * The tokens of a statement as formatted by the engine (without comments).
 * @throws Error for an invalid token. Pure.
 */
export function tokens(sql: string): Token[] {
  const found: Token[] = [];
  const next = new RegExp(PARTS.map((part) => part.source).join('|'), 'gsuy');
  for (let at = 0; at < sql.length; at = next.lastIndex) {
    next.lastIndex = at;
    const text = next.exec(sql)?.[0];
    if (text === undefined) throw new Error(`the statement cannot be read from "${sql.slice(at, at + 20)}" on`);
    if (text.trim() === '') continue;
    const first = text[0] as string;
    found.push({
      text,
      kind:
        first === "'"
          ? 'string'
          : first === '`' || first === '"'
            ? 'quoted'
            : /\d/.test(first)
              ? 'number'
              : /[\p{L}_]/u.test(first)
                ? 'word'
                : 'sign',
    });
  }
  return found;
}
