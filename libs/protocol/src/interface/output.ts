import { type FeatureValues, featuresOf, widthOf } from '@slipway/model';

/** An integer of 16 digits or more, which a double may not hold, keeps its digits. */
export type Digits = { readonly digits: string };
export type Scalar = number | string | boolean | null | Digits;

/**
 * One output of a model. Fractions (`FP32` and the like) differ by degrees; of `class` (whole numbers, truth values,
 * texts) two values are equal or not.
 */
export type Output = {
  name: string;
  kind: 'fraction' | 'class';
  /** The first dimension is the batch; empty where the answer does not say. */
  shape: readonly number[];
  /** Row-major; an element that is no scalar (an object) is its JSON text. */
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
