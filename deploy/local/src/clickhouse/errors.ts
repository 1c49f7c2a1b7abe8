/** An error response in ClickHouse's words, with its code and the HTTP status. */
export class HttpError extends Error {
  readonly status: number;
  readonly code: string;
  readonly retryAfterSeconds: number | undefined;
  constructor(status: number, code: string, name: string, message: string, retryAfterSeconds?: number) {
    super(`Code: ${code}. DB::Exception: ${message}. (${name})`);
    this.status = status;
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The HTTP status for the engine's own errors, by their codes; 500 for others. */
const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  '60': 404,
  '81': 404,
  '46': 404,
  '62': 400,
  '47': 400,
  '53': 400,
  '6': 400,
  '27': 400,
  '43': 400,
  '164': 403,
  '497': 403,
  '516': 401,
  '192': 401,
  '193': 401,
  '159': 408,
  '241': 507,
  '396': 413,
  '394': 499,
};

/** Code and HTTP status of any thrown error. Pure. */
export function answerFor(error: unknown): {
  status: number;
  code: string;
  message: string;
  retryAfterSeconds?: number;
} {
  const { message } = error as Error;
  if (error instanceof HttpError) {
    const { status, code, retryAfterSeconds } = error;
    return { status, code, message, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) };
  }
  const code = /Code: (\d+)/.exec(message)?.[1] ?? '1001';
  return { status: STATUS_BY_CODE[code] ?? 500, code, message };
}
