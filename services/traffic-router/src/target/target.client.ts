import { Pool } from 'undici';

export type TargetAnswer = { status: number; body: Buffer; headers: Record<string, string | string[] | undefined> };

export class TargetFault extends Error {
  override name = 'TargetFault';
  /** `dropped`: we gave the connection up ourselves. */
  readonly code: 'timeout' | 'connect' | 'broken' | 'withdrawn' | 'dropped';
  constructor(code: TargetFault['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** One pool of kept-alive connections for each target's origin. */
export class TargetClient {
  private readonly pools = new Map<string, Pool>();
  private readonly connections: number;
  constructor(connections: number) {
    this.connections = connections;
  }

  private pool(origin: string): Pool {
    let pool = this.pools.get(origin);
    if (!pool) {
      pool = new Pool(origin, {
        connections: this.connections,
        pipelining: 1,
        keepAliveTimeout: 30_000,
        connect: { timeout: 1000 },
      });
      this.pools.set(origin, pool);
    }
    return pool;
  }

  /** @throws TargetFault when no answer came; an answer with an error status is an answer */
  async infer(
    address: string,
    path: string,
    body: Buffer,
    headers: Record<string, string>,
    timeoutMs: number,
  ): Promise<TargetAnswer> {
    const url = new URL(address);
    const base = url.pathname === '/' ? '' : url.pathname.replace(/\/$/, '');
    try {
      const answer = await this.pool(url.origin).request({
        method: 'POST',
        path: base + path,
        body,
        headers,
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
      });
      return { status: answer.statusCode, body: Buffer.from(await answer.body.arrayBuffer()), headers: answer.headers };
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT')
        throw new TargetFault('timeout', `${address} did not answer within ${timeoutMs} ms`, { cause: error });
      if (code === 'ECONNREFUSED' || code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'EHOSTUNREACH')
        throw new TargetFault('connect', `${address}: ${message}`, { cause: error });
      throw new TargetFault(
        code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED' ? 'dropped' : 'broken',
        `${address}: ${message}`,
        { cause: error },
      );
    }
  }

  /** Gives up on everything that is under way to an address: whoever waits tries another one now. */
  async reset(address: string): Promise<void> {
    const { origin } = new URL(address);
    const pool = this.pools.get(origin);
    this.pools.delete(origin);
    await pool?.destroy();
  }

  /** Whether the server at the address says that the version is ready. */
  async probe(address: string, model: string, version: string): Promise<boolean> {
    try {
      const response = await fetch(`${address.replace(/\/$/, '')}/v2/models/${model}/versions/${version}/ready`, {
        signal: AbortSignal.timeout(1000),
      });
      return response.ok;
    } catch {
      return false;
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.pools.values()].map((p) => p.destroy()));
  }
}
