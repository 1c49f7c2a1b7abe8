import { isUtf8 } from 'node:buffer';
import type { AnswerFacts, TargetReply, Verdict } from '../interface/protocol.ts';
import { isDigits, type Output, type Scalar } from '../interface/output.ts';
import { statusVerdict } from '../interface/verdict.ts';
import { parseExact } from '../tensor/exact-json.ts';

const OPENS = 0x7b;
const CLOSES = 0x7d;
const isSpace = (byte: number | undefined) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/**
 * Whether the body starts and ends like a JSON object, as every inference answer does. Rejects HTML pages and archives.
 */
function isObject({ body, headers }: TargetReply): boolean {
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') return false;
  let first = 0;
  let last = body.length - 1;
  while (isSpace(body[first])) first++;
  while (last > first && isSpace(body[last])) last--;
  return body[first] === OPENS && body[last] === CLOSES;
}

export function verdict(reply: TargetReply): Verdict {
  const found = statusVerdict(reply.status);
  return found === 'answered' && reply.status < 300 && !isObject(reply) ? 'garbage' : found;
}

/** The body of an answer. Integers in its outputs keep all their digits. */
class OipAnswer implements AnswerFacts {
  readonly json: Buffer | undefined;
  private readonly value: unknown;
  constructor(body: Buffer) {
    if (!isUtf8(body)) return;
    try {
      this.value = parseExact(body.toString('utf8'));
      this.json = body;
    } catch {
      // A body that is not JSON has no outputs.
    }
  }

  /** Computed when the outputs are asked for. */
  get outputs(): readonly Output[] | undefined {
    return outputs(this.value);
  }
}

export const readAnswer = (body: Buffer): AnswerFacts => new OipAnswer(body);

type Tensor = { name: string; datatype?: unknown; shape?: unknown; data: unknown[] };
const isFraction = (datatype: unknown) => typeof datatype === 'string' && /^(FP|BF)/.test(datatype);
const isScalar = (x: unknown): x is Scalar => x === null || typeof x !== 'object' || isDigits(x);
const isNumber = (x: unknown): x is number => typeof x === 'number';

/** The output tensors of an answer; nested data are flattened row-major. */
export function outputs(answer: unknown): Output[] | undefined {
  const tensors = (answer as { outputs?: unknown } | null)?.outputs;
  if (!Array.isArray(tensors) || !tensors.every((o) => typeof o?.name === 'string' && Array.isArray(o?.data)))
    return undefined;
  return (tensors as Tensor[]).map(({ name, datatype, shape, data }) => ({
    name,
    kind: isFraction(datatype) ? 'fraction' : 'class',
    shape: Array.isArray(shape) && shape.every(isNumber) ? shape : [],
    values: data.every(isScalar) ? data : data.flat(16).map((x) => (isScalar(x) ? x : textOf(x))),
  }));
}

/** The JSON text of an element that is not a scalar. */
function textOf(x: unknown): string {
  try {
    return JSON.stringify(x);
  } catch {
    // Lists that are nested too deeply to be written as JSON.
    return '(nested too deeply)';
  }
}
