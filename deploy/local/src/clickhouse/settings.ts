import { anyOf } from './any-of.ts';
import type { Node, Token } from './tree.ts';

/** Settings of a query's form and output. Limits may only be lowered: see `LIMITS`. */
const FREE_SETTINGS = anyOf(`
  output_format_\\w+ date_time_output_format date_time_input_format extremes join_algorithm join_use_nulls
  join_default_strictness any_join_distinct_right_table_keys group_by_use_nulls aggregate_functions_null_for_empty
  union_default_mode intersect_default_mode except_default_mode transform_null_in prefer_column_name_to_alias
  optimize_\\w+ final do_not_merge_across_partitions_select_final use_skip_indexes\\w* session_timezone
  allow_experimental_analyzer enable_analyzer bool_true_representation bool_false_representation
  format_csv_delimiter format_tsv_null_representation format_csv_null_representation
  low_cardinality_allow_in_native_format cast_\\w+ input_format_\\w+ enable_\\w+_type allow_experimental_\\w+_type
  count_distinct_implementation empty_result_for_aggregation_by_empty_set enable_unaligned_array_join
  short_circuit_function_evaluation log_queries async_insert wait_for_async_insert connect_timeout receive_timeout
  send_timeout
`);
const REFUSED_SETTINGS = /^output_format_.*(schema|path|file)/;

/** The limits of one analyst's query: rows and bytes of its result, seconds, bytes of memory. */
export const LIMITS: Readonly<Record<string, number>> = {
  max_execution_time: 60,
  max_memory_usage: 4_000_000_000,
  max_result_rows: 5_000_000,
  max_result_bytes: 512_000_000,
  max_ast_depth: 1000,
  max_query_size: 1_048_576,
};

/** Limits that a query may set itself, up to these. */
const BOUNDED: Readonly<Record<string, number>> = { ...LIMITS, max_threads: 64, max_block_size: 1_000_000 };

/** Why a setting may not be set like this; `undefined` when it may. Pure. */
export function settingRefusal(name: string, value: string): string | undefined {
  const limit = BOUNDED[name];
  if (limit !== undefined) {
    // The engine rounds 0.5 to 0, which means no limit.
    const wanted = /^\d+$/.test(value) ? Number(value) : 0;
    return wanted > 0 && wanted <= limit ? undefined : `${name} may be set from 1 to ${limit}, not to ${value}`;
  }
  if (FREE_SETTINGS.test(name) && !REFUSED_SETTINGS.test(name)) return undefined;
  return `analysts may not set ${name}`;
}

/** SETTINGS and INTO OUTFILE in the text of the statement, because the tree does not print the names of settings. */
export function clauseRefusal(statement: Node, words: readonly Token[]): string | undefined {
  if (words.some((t, i) => is(t, 'INTO') && is(words[i + 1], 'OUTFILE'))) return 'analysts may not use INTO OUTFILE';
  let clauses = 0;
  for (let i = 0; i < words.length; i++) {
    const starts = is(words[i], 'SETTINGS') || (statement.kind === 'Set' && i === 0 && is(words[i], 'SET'));
    if (!starts || words[i + 2]?.text !== '=') continue;
    clauses++;
    for (let at = i + 1; ; at += 1) {
      const name = words[at];
      let value = words[at + 2];
      let end = at + 3;
      if (value?.text === '-') {
        value = words[at + 3];
        end = at + 4;
        if (value) value = { ...value, text: `-${value.text}` };
      }
      if (name?.kind !== 'word' || words[at + 1]?.text !== '=' || !value) return 'a setting must be name = literal';
      if (value.kind === 'quoted' || (value.kind === 'sign' && !value.text.startsWith('-')))
        return `the setting ${name.text} must be a literal`;
      const text = value.kind === 'string' ? value.text.slice(1, -1) : value.text;
      const refused = settingRefusal(name.text, text === 'true' ? '1' : text);
      if (refused) return refused;
      if (words[end]?.text !== ',') break;
      at = end;
    }
  }
  return clauses === sets(statement) ? undefined : 'a clause of settings cannot be read';
}

const is = (token: Token | undefined, word: string) => token?.kind === 'word' && token.text.toUpperCase() === word;
const sets = (node: Node): number => (node.kind === 'Set' ? 1 : 0) + node.children.reduce((n, c) => n + sets(c), 0);
