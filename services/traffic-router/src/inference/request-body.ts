import { ProblemError } from '@slipway/core';
import { parseBytes, wellFormed } from '@slipway/platform';

type Fields = { id?: unknown; parameters?: unknown };

/**
 * The body of an inference: bytes for whoever is asked, and, read once as JSON, what the router itself needs of it. The
 * JSON, which may take many times the memory of its bytes, is not kept.
 */
export class RequestBody {
  readonly bytes: Buffer;
  /** Whether it is JSON in UTF-8. */
  readonly isJson: boolean;
  /** The `id` of the Open Inference Protocol; undefined when there is none. */
  readonly id: string | undefined;
  private readonly givenUnit: unknown;
  constructor(bytes: Buffer) {
    this.bytes = bytes;
    const parsed = parseBytes(bytes);
    this.isJson = parsed !== undefined;
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

  /** Whether a tensor's data stand behind the JSON as bytes (the binary extension of Triton). */
  get isBinary(): boolean {
    return !this.isJson && this.bytes.includes('"binary_data_size"');
  }
}
