import { isUtf8 } from 'node:buffer';
import { type FieldError, ProblemError } from '@slipway/core';
import { isWide, type RowTensor, type Signature, type TensorSpec } from '@slipway/model';
import { parseExact } from './exact-json.ts';
import { numericTensor } from './numeric.ts';
import type { TensorRequest } from './tensors.ts';

function refuse(field: string, message: string): never {
  const errors: FieldError[] = [{ field, message }];
  throw new ProblemError('invalid_tensor', `${field}: ${message}`, { errors });
}

type RawTensor = { name: string; datatype: string; shape: number[]; data: unknown };

/**
 * A request as tensors, checked against the signature: an object with `inputs`, a list of tensors in JSON (`name`,
 * `datatype`, `shape`, `data`), and perhaps `id` and `outputs`. The Open Inference Protocol asks so, and the cases of a
 * validation set have the same form.
 * @param maxRows of one request
 * @throws ProblemError malformed_json, or invalid_tensor naming the field
 */
export function decodeTensors(body: Buffer, signature: Signature, maxRows: number): TensorRequest {
  if (!isUtf8(body)) throw new ProblemError('malformed_json', 'the body is not UTF-8');
  let json: unknown;
  try {
    const text = body.toString('utf8');
    json = signature.inputs.some((s) => isWide(s.datatype)) ? parseExact(text) : JSON.parse(text);
  } catch (error) {
    throw new ProblemError('malformed_json', (error as Error).message);
  }
  if (json === null || typeof json !== 'object' || Array.isArray(json))
    refuse('(body)', 'must be an object with "inputs"');
  const { id, inputs, outputs } = json as { id?: unknown; inputs?: unknown; outputs?: unknown };
  if (id !== undefined && typeof id !== 'string') refuse('id', 'must be a string');
  if (!Array.isArray(inputs)) refuse('inputs', 'must be a list of tensors');
  const names = signature.inputs.map((s) => s.name);
  const given = (inputs as unknown[]).map((t, i) => rawTensor(t, `inputs.${i}`));
  given.forEach((t, i) => {
    if (!names.includes(t.name))
      refuse(
        `inputs.${i}.name`,
        `there is no input "${t.name}"; the model's inputs are ${names.map((n) => `"${n}"`).join(', ')}`,
      );
  });
  const tensors = new Map<string, RowTensor>();
  let rows: number | undefined;
  for (const spec of signature.inputs) {
    const at = given.findIndex((t) => t.name === spec.name);
    if (at < 0) refuse('inputs', `the input "${spec.name}" (${spec.datatype} [${spec.shape.join(', ')}]) is missing`);
    const tensor = checked(given[at] as RawTensor, spec, `inputs.${at}`);
    if (rows !== undefined && tensor.rows !== rows)
      refuse(`inputs.${at}.shape`, `has ${tensor.rows} rows, but the inputs before it have ${rows}`);
    rows = tensor.rows;
    if (rows > maxRows) refuse(`inputs.${at}.shape`, `has ${rows} rows; at most ${maxRows} are allowed in one request`);
    tensors.set(spec.name, tensor);
  }
  return { id, rows: rows as number, tensors, outputs: requestedOutputs(outputs, signature) };
}

function requestedOutputs(outputs: unknown, signature: Signature): string[] | undefined {
  if (outputs === undefined) return undefined;
  if (!Array.isArray(outputs)) refuse('outputs', 'must be a list');
  const known = signature.outputs.map((o) => o.name);
  return (outputs as unknown[]).map((o, i) => {
    const name = (o as { name?: unknown } | null)?.name;
    if (typeof name !== 'string') refuse(`outputs.${i}.name`, 'must be a string');
    if (!known.includes(name as string))
      refuse(
        `outputs.${i}.name`,
        `there is no output "${name}"; the model's outputs are ${known.map((n) => `"${n}"`).join(', ')}`,
      );
    return name as string;
  });
}

function rawTensor(value: unknown, field: string): RawTensor {
  if (value === null || typeof value !== 'object') refuse(field, 'must be a tensor object');
  const { name, datatype, shape, data } = value as Record<string, unknown>;
  if (typeof name !== 'string') refuse(`${field}.name`, 'must be a string');
  if (typeof datatype !== 'string') refuse(`${field}.datatype`, 'must be a string');
  if (!Array.isArray(shape) || !shape.every((d) => Number.isInteger(d) && (d as number) >= 0))
    refuse(`${field}.shape`, 'must be a list of integers');
  if (!Array.isArray(data)) refuse(`${field}.data`, 'must be a list');
  return { name: name as string, datatype: datatype as string, shape: shape as number[], data };
}

function checked(t: RawTensor, spec: TensorSpec, field: string): RowTensor {
  if (t.datatype !== spec.datatype) refuse(`${field}.datatype`, `is ${t.datatype}; "${spec.name}" is ${spec.datatype}`);
  const fits = t.shape.length === spec.shape.length && spec.shape.every((d, i) => d === -1 || d === t.shape[i]);
  if (!fits) refuse(`${field}.shape`, `is [${t.shape.join(', ')}]; "${spec.name}" has [${spec.shape.join(', ')}]`);
  const rows = t.shape[0] as number;
  const tail = t.shape.slice(1);
  const width = tail.reduce((a, b) => a * b, 1);
  if (rows < 1) refuse(`${field}.shape`, 'must have at least one row');
  const flat = flatten(t.data as unknown[]);
  if (flat.length !== rows * width)
    refuse(`${field}.data`, `has ${flat.length} elements; the shape [${t.shape.join(', ')}] needs ${rows * width}`);
  if (spec.datatype === 'BYTES') {
    const bad = flat.findIndex((x) => typeof x !== 'string');
    if (bad >= 0) refuse(`${field}.data.${bad}`, 'must be a string');
    return { kind: 'bytes', rows, width, tail, values: (flat as string[]).map((s) => Buffer.from(s, 'utf8')) };
  }
  return numericTensor(spec.datatype, rows, tail, flat, (i, message) => refuse(`${field}.data.${i}`, message));
}

function flatten(data: unknown[]): unknown[] {
  return data.some(Array.isArray) ? data.flat(16) : data;
}
