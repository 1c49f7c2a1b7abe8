import { parseBytes, ProblemError, wellFormed } from '@slipway/core';
import {
  type FeatureValues,
  featuresOf,
  type InstanceTensor,
  leavesOf,
  MEASURED_ELEMENTS,
  widthOf,
} from '@slipway/model';
import type { Headers, RequestFacts } from '../interface/protocol.ts';

const binaryProblem = () =>
  new ProblemError(
    'unsupported_media_type',
    "binary tensor data (Inference-Header-Content-Length) are not supported: send every tensor's data as JSON " +
      "(in Triton's client: binary_data=False)",
  );

/** @throws ProblemError unsupported_media_type for Triton's binary extension */
export function admit(headers: Headers): void {
  if (headers['inference-header-content-length'] !== undefined) throw binaryProblem();
}

type Fields = { id?: unknown; parameters?: unknown; inputs?: unknown };

/**
 * What a router needs from a body, parsed once. The parsed JSON is many times as large as its bytes and is not kept.
 */
export class OipRequest implements RequestFacts {
  readonly json: Buffer | undefined;
  readonly endpoint = undefined;
  readonly id: string | undefined;
  readonly features: FeatureValues;
  private readonly givenUnit: unknown;

  /** @throws ProblemError unsupported_media_type when a tensor's data follow the JSON as bytes */
  constructor(body: Buffer) {
    const parsed = parseBytes(body);
    if (!parsed && body.includes('"binary_data_size"')) throw binaryProblem();
    this.json = parsed ? body : undefined;
    const { id, parameters, inputs } = (parsed?.value ?? {}) as Fields;
    this.features = featuresOfInputs(inputs);
    this.id = typeof id === 'string' && id !== '' ? wellFormed(id) : undefined;
    const unit = parameters !== null && typeof parameters === 'object' ? (parameters as { unit?: unknown }).unit : null;
    this.givenUnit = unit !== null && typeof unit === 'object' ? {} : unit;
  }

  /** The parameter `unit`. @throws ProblemError invalid_request when it is neither a string nor a number */
  get unit(): string | undefined {
    const unit = this.givenUnit;
    if (unit === undefined || unit === null) return undefined;
    if (typeof unit !== 'string' && typeof unit !== 'number')
      throw new ProblemError('invalid_request', 'parameters.unit: must be a string or a number', {
        errors: [{ field: 'parameters.unit', message: 'must be a string or a number' }],
      });
    return wellFormed(String(unit));
  }
}

/** So many elements of a request are looked at for its features: tensors beyond are left out. */
const MOST_LOOKED_AT = 16 * MEASURED_ELEMENTS;

/** The features of the first instance of a request's input tensors; of a name that comes twice the first tensor. */
function featuresOfInputs(inputs: unknown): FeatureValues {
  if (!Array.isArray(inputs)) return {};
  const tensors = new Map<string, InstanceTensor>();
  let left = MOST_LOOKED_AT;
  for (const tensor of inputs as unknown[]) {
    const { name, datatype, shape, data } = (tensor ?? {}) as Record<string, unknown>;
    if (typeof name !== 'string' || tensors.has(name) || data === undefined) continue;
    if (left <= 0) break;
    const elements = leavesOf(data, Math.min(instanceWidth(shape, data), MEASURED_ELEMENTS));
    left -= elements.length;
    const isText = datatype === 'BYTES' || typeof elements.find((x) => x !== null) === 'string';
    tensors.set(name, { name, isText, elements });
  }
  return featuresOf('input', tensors.values());
}

/** How many elements the first instance has; of a tensor without a sound shape, one row of its data. */
function instanceWidth(shape: unknown, data: unknown): number {
  if (Array.isArray(shape) && shape.length > 0 && shape.every((n) => Number.isInteger(n) && n >= 0))
    return widthOf(shape as number[]);
  const [row] = Array.isArray(data) ? (data as unknown[]) : [];
  return Array.isArray(row) ? row.length : 1;
}
