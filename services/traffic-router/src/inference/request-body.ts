import { ProblemError } from '@slipway/contracts';
import { parseBytes, wellFormed } from './portable-json.ts';

type Fields = { id?: unknown; parameters?: unknown };

/** The body of an inference: bytes for whoever is asked, and as JSON, read once, for what the router itself needs. */
export class RequestBody {
  readonly bytes: Buffer;
  private parsed: { value: unknown } | undefined | null = null;
  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  private json(): { value: unknown } | undefined {
    if (this.parsed === null) this.parsed = parseBytes(this.bytes);
    return this.parsed;
  }

  get isJson(): boolean {
    return this.json() !== undefined;
  }

  private get fields(): Fields {
    const value = this.json()?.value;
    return value !== null && typeof value === 'object' ? (value as Fields) : {};
  }

  /** The `id` of the Open Inference Protocol; undefined when there is none. */
  get id(): string | undefined {
    const { id } = this.fields;
    return typeof id === 'string' && id !== '' ? wellFormed(id) : undefined;
  }

  /** The parameter `unit`. @throws ProblemError invalid_request when it is neither text nor a number */
  get unit(): string | undefined {
    const { parameters } = this.fields;
    const unit = parameters !== null && typeof parameters === 'object' ? (parameters as { unit?: unknown }).unit : null;
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
