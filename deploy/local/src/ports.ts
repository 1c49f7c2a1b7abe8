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
 * @param patienceMs how long to wait for a port: a killed process may keep its sockets a moment longer than it seems to
 * run
 * @throws Advice naming the first port that is taken, and what to do
 */
export async function requireFree(
  ports: readonly { port: number; use: string; variable: string }[],
  patienceMs = 0,
): Promise<void> {
  const deadline = Date.now() + patienceMs;
  for (const { port, use, variable } of ports) {
    while (!(await canListen(port))) {
      if (Date.now() >= deadline)
        throw new Advice(
          `Port ${port}, meant for ${use}, is taken: stop what listens there, or choose another with ` +
            `${variable}=<port>.`,
        );
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** Below the range that the kernel uses for outgoing connections, so that a restarted service finds its port free. */
const LOWEST = 12_000;
const HIGHEST = 31_999;

/** `count` free ports, all different, chosen at random. */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  while (found.size < count) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    if (!found.has(port) && (await canListen(port))) found.add(port);
  }
  return [...found];
}
