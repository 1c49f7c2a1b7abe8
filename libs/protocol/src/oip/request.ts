import { parseBytes, ProblemError, wellFormed } from '@slipway/core';
import type { Headers, RequestFacts } from '../interface/protocol.ts';
import type { Scalar } from '../interface/output.ts';

const binaryProblem = () =>
  new ProblemError(
    'unsupported_media_type',
    "binary tensor data (Inference-Header-Content-Length) is not understood: send every tensor's data as JSON " +
      "(in Triton's client: binary_data=False)",
  );

/** @throws ProblemError unsupported_media_type for the binary extension of Triton */
export function admit(headers: Headers): void {
  if (headers['inference-header-content-length'] !== undefined) throw binaryProblem();
}

type Fields = { id?: unknown; parameters?: unknown; inputs?: unknown };

/** What a router needs of a body, read once as JSON. The JSON, many times as large as its bytes, is not kept. */
export class OipRequest implements RequestFacts {
  readonly json: Buffer | undefined;
  readonly endpoint = undefined;
  readonly id: string | undefined;
  private readonly givenUnit: unknown;

  /** @throws ProblemError unsupported_media_type when a tensor's data stand behind the JSON as bytes */
  constructor(body: Buffer) {
    const parsed = parseBytes(body);
    if (!parsed && body.includes('"binary_data_size"')) throw binaryProblem();
    this.json = parsed ? body : undefined;
    const { id, parameters } = (parsed?.value ?? {}) as Fields;
    this.id = typeof id === 'string' && id !== '' ? wellFormed(id) : undefined;
    const unit = parameters !== null && typeof parameters === 'object' ? (parameters as { unit?: unknown }).unit : null;
    this.givenUnit = unit !== null && typeof unit === 'object' ? {} : unit;
  }

  /** The parameter `unit`. @throws ProblemError invalid_request when it is neither text nor a number */
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

/** The first element of each input tensor by its name. */
export function features(body: Buffer): ReadonlyMap<string, Scalar> {
  const found = new Map<string, Scalar>();
  const { inputs } = (parseBytes(body)?.value ?? {}) as Fields;
  if (!Array.isArray(inputs)) return found;
  for (const tensor of inputs as unknown[]) {
    const { name, data } = (tensor ?? {}) as { name?: unknown; data?: unknown };
    let first = data;
    while (Array.isArray(first)) first = first[0];
    const isScalar = ['number', 'string', 'boolean'].includes(typeof first);
    if (typeof name === 'string' && !found.has(name) && isScalar) found.set(name, first as Scalar);
  }
  return found;
}
