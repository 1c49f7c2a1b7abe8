import type { FeatureProfile } from '@slipway/model';

/**
 * SQL over a row of `predictions` that gives a feature's bin, with its parameters bound by index. The same definitions
 * as `measure` and `binOf` in contracts.
 */
export function binSql(feature: FeatureProfile, i: number): { sql: string; params: Record<string, unknown> } {
  const missing = feature.counts.length - 1;
  const raw = feature.side === 'output' ? `nullIf(outputs[{tensor${i}:String}], '')` : inputElement(i);
  const text =
    feature.side === 'output'
      ? raw
      : `if(startsWith(${raw}, '"'), JSONExtractString(concat('[', ${raw}, ']'), 1), ${raw})`;
  const params: Record<string, unknown> = { [`tensor${i}`]: feature.tensor };
  if (feature.kind === 'categorical') {
    params[`categories${i}`] = feature.categories;
    return {
      params,
      sql:
        `multiIf(isNull(${raw}) OR ${text} = '', ${missing}, indexOf({categories${i}:Array(String)}, ` +
        `assumeNotNull(${text})) > 0, indexOf({categories${i}:Array(String)}, assumeNotNull(${text})) - 1, ` +
        `${feature.categories.length})`,
    };
  }
  params[`edges${i}`] = feature.edges;
  const value = `(${measureSql(feature, raw, text)})`;
  return {
    params,
    sql:
      `if(isNull(${raw}) OR isNull(${value}), ${missing}, arrayCount(e -> assumeNotNull(${value}) > e, ` +
      `{edges${i}:Array(Float64)}))`,
  };
}

/** The first element of an input tensor as raw JSON; NULL when it is not there. */
function inputElement(i: number): string {
  const inputs = "JSONExtractArrayRaw(request, 'inputs')";
  const tensor = `arrayFirst(x -> JSONExtractString(x, 'name') = {tensor${i}:String}, ${inputs})`;
  const data = `JSONExtractRaw(${tensor}, 'data', 1)`;
  return `nullIf(nullIf(if(startsWith(${data}, '['), JSONExtractRaw(${data}, 1), ${data}), ''), 'null')`;
}

function measureSql(feature: FeatureProfile, raw: string, text: string): string {
  const share = (pattern: string) =>
    `countMatches(assumeNotNull(${text}), '${pattern}') / greatest(1, length(assumeNotNull(${text})))`;
  switch (feature.measure) {
    case 'value':
      return `toFloat64OrNull(${raw})`;
    case 'bytes':
      return `toFloat64(length(assumeNotNull(${text})))`;
    case 'words':
      return `toFloat64(countMatches(assumeNotNull(${text}), '[^ \\\\t\\\\r\\\\n]+'))`;
    case 'digit_share':
      return share('[0-9]');
    case 'upper_share':
      return share('[A-Z]');
    case 'links':
      return `toFloat64(countMatches(assumeNotNull(${text}), 'http'))`;
  }
}
