import { createServer } from 'node:net';
import { Advice } from './advice.ts';

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/**
 * @param patienceMs how long to wait for a port: a killed process may hold its sockets a moment longer than it seems to live
 * @throws Advice naming the first port that is taken, and what to do
 */
export async function requireFree(ports: readonly { port: number; use: string; variable: string }[], patienceMs = 0): Promise<void> {
  const deadline = Date.now() + patienceMs;
  for (const { port, use, variable } of ports) {
    while (!(await canListen(port))) {
      if (Date.now() >= deadline) throw new Advice(`Port ${port}, meant for ${use}, is taken: stop what listens there, or choose another with ${variable}=<port>.`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** `count` free ports, all different; held open together until all are known. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const server = createServer();
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((s) => (s.address() as { port: number }).port);
  await Promise.all(servers.map((s) => new Promise((resolve) => s.close(resolve))));
  return ports;
}
