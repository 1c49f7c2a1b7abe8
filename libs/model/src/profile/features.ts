import type { FeatureMeasure, FeatureProfile } from './profile.ts';

type Scalar = number | string | boolean | null | undefined;

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}

/**
 * A feature's value of one tensor element; `null` when it is missing. The same definitions stand in SQL in
 * drift-monitor.
 */
export function measure(of: FeatureMeasure, x: Scalar): number | string | null {
  if (x === null || x === undefined) return null;
  if (of === 'value') return typeof x === 'boolean' ? String(x) : x;
  const text = String(x);
  const bytes = Buffer.byteLength(text);
  switch (of) {
    case 'bytes':
      return bytes;
    case 'words':
      return count(text, /[^ \t\r\n]+/g);
    case 'digit_share':
      return count(text, /[0-9]/g) / Math.max(1, bytes);
    case 'upper_share':
      return count(text, /[A-Z]/g) / Math.max(1, bytes);
    case 'links':
      return count(text, /http/g);
  }
}

/** The bin of a value, as an index into `counts`. */
export function binOf(feature: FeatureProfile, value: number | string | null): number {
  const missing = feature.counts.length - 1;
  if (value === null || value === '') return missing;
  if (feature.kind === 'categorical') {
    const at = feature.categories.indexOf(String(value));
    return at >= 0 ? at : feature.categories.length;
  }
  const x = Number(value);
  if (!Number.isFinite(x)) return missing;
  let bin = 0;
  for (const edge of feature.edges) if (x > edge) bin++;
  return bin;
}
