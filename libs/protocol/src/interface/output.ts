import { type FeatureValues, featuresOf, widthOf } from '@slipway/model';

/** An integer of 16 or more digits, which a double may not hold, kept as its digits. */
export type Digits = { readonly digits: string };
export type Scalar = number | string | boolean | null | Digits;

/**
 * One output of a model. Values of a fractional datatype (`FP32` …) differ by a distance; values of a `class` output
 * (integers, booleans, texts) are equal or different.
 */
export type Output = {
  name: string;
  kind: 'fraction' | 'class';
  /** The shape, batch size first; empty when the answer does not give it. */
  shape: readonly number[];
  /** The elements, row-major. An element that is not a scalar is given as its JSON text. */
  values: readonly Scalar[];
};

export const isDigits = (x: unknown): x is Digits =>
  x !== null && typeof x === 'object' && typeof (x as { digits?: unknown }).digits === 'string';

/** What profiles compare of the first instance of an answer. */
export function outputFeatures(outputs: readonly Output[] = []): FeatureValues {
  return featuresOf(
    'output',
    outputs.map(({ name, shape, values }) => {
      const elements = shape.length > 0 ? values.slice(0, widthOf(shape)) : values;
      return { name, isText: typeof elements.find((x) => x !== null) === 'string', elements };
    }),
  );
}
