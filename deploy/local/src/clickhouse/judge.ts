import { anyOf } from './any-of.ts';
import { hiddenRefusal } from './hidden.ts';
import { isReadableFunction } from './readable-functions.ts';
import { clauseRefusal } from './settings.ts';
import { type Node, readTree, type Token, tokens } from './tree.ts';

/**
 * What the analyst's login may do, checked on the engine's own syntax tree. Everything is an allow-list: kinds of
 * statements, kinds of nodes, tables, table functions, functions, formats and settings.
 */
export type Readable = {
  /** Tables and views of `slipway` that analysts may read, and every other name that is used there. */
  allowed: ReadonlySet<string>;
  others: ReadonlySet<string>;
  /** Names of all functions of the engine, in lower case. */
  functions: ReadonlySet<string>;
};

const STATEMENTS = new Set([
  'SelectWithUnionQuery',
  'DescribeQuery',
  'ExistsTableQuery',
  'ExistsViewQuery',
  'ExistsDatabaseQuery',
  'Explain',
  'ShowTables',
  'ShowColumns',
  'ShowFunctions',
  'ShowCreateTableQuery',
  'ShowCreateViewQuery',
]);
/** Only when the client has a session of its own. */
const IN_SESSION = new Set(['Set', 'UseQuery']);

const NODES = new Set([
  ...STATEMENTS,
  ...IN_SESSION,
  'SelectIntersectExceptQuery',
  'SelectQuery',
  'ExpressionList',
  'Identifier',
  'Literal',
  'Function',
  'Asterisk',
  'QualifiedAsterisk',
  'TablesInSelectQuery',
  'TablesInSelectQueryElement',
  'TableExpression',
  'TableIdentifier',
  'TableJoin',
  'ArrayJoin',
  'Subquery',
  'WithElement',
  'OrderByElement',
  'InterpolateElement',
  'FillDescription',
  'SampleRatio',
  'WindowDefinition',
  'WindowListElement',
  'QueryParameter',
  'DataType',
  'NameTypePair',
  'ColumnsReplaceTransformer::Replacement',
]);
const NODE_FAMILIES = /^(Columns|QualifiedColumns)(\w*)(Matcher|Transformer|TransformerList)$/;

const TABLE_FUNCTIONS = new Set([
  'numbers',
  'numbers_mt',
  'zeros',
  'zeros_mt',
  'generateseries',
  'generate_series',
  'values',
  'view',
  'null',
]);

const NAMES = new Set(['Identifier', 'TableIdentifier']);
const SET_OPERATORS = /^(global)?(not)?(null)?in(ignoreset)?$/i;

const SYSTEM = new Set(
  [
    'one',
    'numbers',
    'numbers_mt',
    'databases',
    'tables',
    'columns',
    'functions',
    'table_functions',
    'table_engines',
    'data_type_families',
    'formats',
    'settings',
    'time_zones',
    'collations',
    'keywords',
    'aggregate_function_combinators',
    'build_options',
    'contributors',
    'licenses',
  ].map((t) => `system.${t}`),
);
const INFORMATION_SCHEMA = anyOf(
  `tables columns schemata views key_column_usage referential_constraints statistics character_sets collations engines`
    .split(' ')
    .map((view) => `information_schema\\.${view}`)
    .join(' '),
  'i',
);

/** Not `default`: in the embedded engine its tables are the files of the machine, named by their paths. */
export const DATABASES: ReadonlySet<string> = new Set([
  'slipway',
  'system',
  'information_schema',
  'INFORMATION_SCHEMA',
]);

const FORMATS = anyOf(`
  TabSeparated\\w* TSV\\w* CSV\\w* JSON\\w* Pretty\\w* RowBinary\\w* Native Null Values Vertical Markdown XML TSKV
  Arrow ArrowStream Parquet ORC Avro MsgPack Npy SQLInsert LineAsString RawBLOB BSONEachRow
`);
export const isReadableFormat = (name: string): boolean => FORMATS.test(name);

/**
 * Why a statement may not run; `undefined` when it may. Pure.
 *
 * @param printed its `EXPLAIN AST`
 * @param formatted the same statement as formatted by the engine, which is the text that will run
 */
export function refusal(
  printed: string,
  formatted: string,
  context: { database: string; readable: Readable; session: boolean },
): string | undefined {
  let root: Node;
  let words: Token[];
  try {
    root = readTree(printed);
    words = tokens(formatted);
  } catch (error) {
    return (error as Error).message;
  }
  const [statement, ...more] = root.children;
  if (!statement || more.length > 0) return 'one statement is expected';
  const known = STATEMENTS.has(statement.kind) || (context.session && IN_SESSION.has(statement.kind));
  if (!known)
    return IN_SESSION.has(statement.kind)
      ? `${statement.kind === 'Set' ? 'SET' : 'USE'} needs a session: send session_id`
      : `an analyst may only read: ${statement.kind} is not among SELECT, SHOW, DESCRIBE, EXISTS and EXPLAIN`;
  return (
    nodeRefusal(statement, { ...context, named: aliased(statement), judged: new Set() }) ??
    clauseRefusal(statement, words) ??
    hiddenRefusal(statement, words, (name) => TABLE_FUNCTIONS.has(name.toLowerCase()))
  );
}

type Context = {
  database: string;
  readable: Readable;
  /** The names that are aliased by a name. */
  named: ReadonlyMap<string, readonly string[]>;
  /** Names of sets that were checked already. */
  judged: Set<string>;
};

function aliased(node: Node, found = new Map<string, string[]>()): Map<string, string[]> {
  if (node.alias !== '' && NAMES.has(node.kind)) {
    const names = found.get(node.alias);
    if (names) names.push(node.text);
    else found.set(node.alias, [node.text]);
  }
  for (const child of node.children) aliased(child, found);
  return found;
}

function nodeRefusal(node: Node, context: Context, parent?: Node): string | undefined {
  if (!NODES.has(node.kind) && !NODE_FAMILIES.test(node.kind)) return `analysts may not use ${node.kind}`;
  const own = ownRefusal(node, context, parent);
  if (own) return own;
  for (const child of node.children) {
    const found = nodeRefusal(child, context, node);
    if (found) return found;
  }
  return undefined;
}

function ownRefusal(node: Node, context: Context, parent: Node | undefined): string | undefined {
  switch (node.kind) {
    case 'TableIdentifier':
      return tableRefusal(node.text, context);
    case 'Function': {
      if (parent?.kind === 'TableExpression')
        return TABLE_FUNCTIONS.has(node.text.toLowerCase())
          ? undefined
          : `analysts may not use the table function ${node.text}`;
      if (!isReadableFunction(node.text)) return `analysts may not use the function ${node.text}`;
      return SET_OPERATORS.test(node.text) ? setRefusal(node.children[0]?.children[1], context) : undefined;
    }
    case 'Identifier': {
      // arrayMap(file, …) calls the function that it names.
      const name = node.text.toLowerCase();
      return context.readable.functions.has(name) && !isReadableFunction(name)
        ? `${node.text} names a function that analysts may not use`
        : undefined;
    }
    case 'ExistsTableQuery':
    case 'ExistsViewQuery':
    case 'ShowCreateTableQuery':
    case 'ShowCreateViewQuery': {
      const names = node.children.filter((c) => c.kind === 'Identifier').map((c) => c.text);
      return tableRefusal(
        node.text.trim().split(/\s+/).length > 1 ? names.slice(0, 2).join('.') : (names[0] ?? ''),
        context,
      );
    }
    case 'UseQuery':
      return DATABASES.has(node.text.trim()) ? undefined : `there is no database ${node.text.trim()} for analysts`;
    case 'SelectWithUnionQuery': {
      // The format and the output file are siblings of the list of SELECTs.
      for (const beside of node.children) {
        if (beside.kind === 'Literal') return 'analysts may not use INTO OUTFILE';
        if (beside.kind === 'Identifier' && !isReadableFormat(beside.text))
          return `analysts may not use the format ${beside.text}`;
      }
      return undefined;
    }
    default:
      return undefined;
  }
}

/** `x IN name` reads the table of that name, or of a name that it is an alias of. Each name is checked once. */
function setRefusal(set: Node | undefined, context: Context): string | undefined {
  const open = set && NAMES.has(set.kind) ? [set.text] : [];
  for (const name of open) {
    if (context.judged.has(name)) continue;
    context.judged.add(name);
    const refused = tableRefusal(name, context);
    if (refused) return refused;
    open.push(...(context.named.get(name) ?? []));
  }
  return undefined;
}

/** A name is resolved as the engine does: in the database of the request, unless it names one. */
function tableRefusal(name: string, { database, readable }: Context): string | undefined {
  const refused = `there is no table or view ${name} for analysts`;
  if (name.startsWith('slipway.')) return readable.allowed.has(name.slice(8)) ? undefined : refused;
  if (SYSTEM.has(name) || INFORMATION_SCHEMA.test(name)) return undefined;
  if (name.includes('.')) return refused;
  const lower = database.toLowerCase();
  if (lower === 'system' || lower === 'information_schema')
    return SYSTEM.has(`${lower}.${name}`) || INFORMATION_SCHEMA.test(`${lower}.${name}`) ? undefined : refused;
  // A name that is not a table is a subquery's (WITH).
  return readable.others.has(name) || !/^[\p{L}_][\p{L}\p{N}_ -]*$/u.test(name) ? refused : undefined;
}
